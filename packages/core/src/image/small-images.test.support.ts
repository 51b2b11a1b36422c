import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { systemClock } from '../clock.ts'
import type { Platform } from '../hosts/host.ts'
import { rejection } from '../testing/rejection.ts'
import type { BlobStore } from './blobs.ts'
import { digestOf } from './blobs.ts'
import type { BlobDescriptor, CarriedImage, ClusterConfig, RootfsLayer } from './cluster-config.ts'
import type { PlatformParts } from './cluster-image.ts'
import { mediaTypes } from './oci.ts'
import { LocalStore } from './store.ts'

/** What the tests of images share: stores, small images, and the code of an error. */

export const amd64: Platform = { os: 'linux', architecture: 'amd64' }
export const arm64: Platform = { os: 'linux', architecture: 'arm64' }

/** In memory where that can be had: every blob is flushed to disk. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A folder that goes away with the scope. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(scratch, 'sealer-image-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

class TemporaryStore extends LocalStore {
  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}

/** An empty store that goes away with the scope. */
export async function temporaryStore(): Promise<TemporaryStore> {
  return new TemporaryStore(await mkdtemp(join(scratch, 'sealer-store-')), systemClock)
}

/** The code of what something is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await rejection<Error & { readonly code?: unknown }>(work)
  return String(error.code ?? error)
}

/** A tar of the given files. */
export async function tarOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mtime: new Date(0) }, content)
  archive.finalize()
  const pieces: Buffer[] = []
  for await (const piece of archive) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

export const clusterConfig = (platform: Platform): ClusterConfig => ({
  schemaVersion: 1,
  type: 'kube-installer',
  platform,
  runtime: { type: 'kubernetes', version: 'v1.34.4' },
  apps: [{ name: 'web', type: 'kube', files: ['web.yaml'] }],
  launch: ['web'],
  cmds: [],
  env: { GREETING: 'hello' },
  labels: {},
  requirements: {},
  parts: [],
  source: 'none',
})

/** A layer with one file. */
export async function putLayer(blobs: BlobStore, path: string, content: string): Promise<RootfsLayer> {
  const tar = await tarOf({ [path]: content })
  const blob = await blobs.put(gzipSync(tar, { level: 1 }))
  return { blob: { mediaType: mediaTypes.layerGzip, ...blob }, diffId: digestOf(tar) }
}

/** A container image of one small layer. */
export async function putContainerImage(
  blobs: BlobStore,
  reference: string,
  platform: Platform,
): Promise<CarriedImage> {
  const layer = await putLayer(blobs, 'hello', `${reference} for ${platform.architecture}`)
  const json = async (mediaType: string, value: object): Promise<BlobDescriptor> => ({
    mediaType,
    ...(await blobs.put(Buffer.from(JSON.stringify(value)))),
  })
  const config = await json(mediaTypes.imageConfig, {
    ...platform,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
  })
  const manifest = await json(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [layer.blob],
  })
  return {
    reference,
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    blobs: [manifest, config, layer.blob],
    apps: ['web'],
    reasons: ['manifests/web.yaml:12'],
  }
}

/** One platform of a small cluster image, its blobs in the store. */
export async function smallPlatform(blobs: BlobStore, platform: Platform = amd64): Promise<PlatformParts> {
  return {
    platform,
    layers: [await putLayer(blobs, 'bin/tool', platform.architecture), await putLayer(blobs, 'etc/same', 'everywhere')],
    config: clusterConfig(platform),
    ociConfig: { Env: ['GREETING=hello'], Labels: { team: 'a' } },
    images: [
      await putContainerImage(blobs, 'docker.io/library/web:v1', platform),
      await putContainerImage(blobs, 'docker.io/library/db:v1', platform),
    ],
  }
}
