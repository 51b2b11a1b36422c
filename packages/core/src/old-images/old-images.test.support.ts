import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { digestOf } from '../image/blobs.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import { loadImages } from '../image/load.ts'
import { mediaTypes } from '../image/oci.ts'
import { tarOf } from '../image/small-images.test.support.ts'
import type { LocalStore } from '../image/store.ts'
import { oldAnnotations } from './extension.ts'

/** Images of sealer 0.9 to 0.11 for tests: genuine ones, and small ones of the same form whose parts are given. */

export const testdata = join(import.meta.dirname, 'testdata')

export type Files = Readonly<Record<string, string | Buffer>>

/** What a small image consists of. */
export interface SmallOldImage {
  readonly extension?: object | string
  readonly images?: readonly object[]
  /** Files of each layer, or its tar. */
  readonly layers?: readonly (Files | Buffer)[]
  readonly labels?: Readonly<Record<string, string>>
  readonly name?: string
}

/** Writes an image as `sealer save` of 0.11 does; gives the path. */
export async function writeOldArchive(
  folder: string,
  { extension = {}, images, layers = [{ 'etc/x': 'x' }], labels = {}, name = 'example.test/old:v1' }: SmallOldImage,
): Promise<string> {
  const blobs: Record<string, Buffer> = {}
  const put = (bytes: Buffer) => {
    const digest = digestOf(bytes)
    blobs[`blobs/sha256/${digest.slice(7)}`] = bytes
    return { digest, size: bytes.length }
  }
  const json = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  const tars = await Promise.all(layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer))))
  const config = put(
    json({
      os: 'linux',
      architecture: 'amd64',
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    }),
  )
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.imageConfig, ...config },
      layers: tars.map((tar) => ({ mediaType: mediaTypes.layerGzip, ...put(gzipSync(tar)) })),
      annotations: {
        [oldAnnotations.extension]: json(extension).toString(),
        ...(images && { [oldAnnotations.containerImages]: JSON.stringify(images) }),
      },
    }),
  )
  const root = {
    mediaType: mediaTypes.manifest,
    ...manifest,
    annotations: { 'org.opencontainers.image.ref.name': name },
  }
  const path = join(folder, 'old.tar')
  await writeFile(
    path,
    await tarOf({
      ...blobs,
      'index.json': JSON.stringify({ schemaVersion: 2, manifests: [root] }),
      'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    }),
  )
  return path
}

/** The files in `registry/` of container images with one layer, and the digests of their parts. */
export async function storedImages(...names: readonly string[]) {
  const files: Record<string, Buffer | string> = {}
  const parts: Record<string, { readonly manifest: string; readonly config: string; readonly layer: string }> = {}
  for (const name of names) {
    const put = (bytes: Buffer) => {
      const digest = digestOf(bytes)
      files[blobPath(digest)] = bytes
      return { digest, size: bytes.length }
    }
    const tar = await tarOf({ 'hello.txt': name })
    const layer = put(gzipSync(tar))
    const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] }
    const config = put(Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs })))
    const manifest = put(
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: { mediaType: mediaTypes.imageConfig, ...config },
          layers: [{ mediaType: mediaTypes.layerGzip, ...layer }],
        }),
      ),
    )
    files[tagPath(name)] = manifest.digest
    parts[name] = { manifest: manifest.digest, config: config.digest, layer: layer.digest }
  }
  return { files, parts }
}

export const blobPath = (digest: string): string =>
  `registry/docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`

export const tagPath = (name: string): string => {
  const colon = name.lastIndexOf(':')
  return `registry/docker/registry/v2/repositories/${name.slice(0, colon)}/_manifests/tags/${name.slice(colon + 1)}/current/link`
}

/** Loads an archive of one image with one platform; gives that, and what was warned of. */
export async function loadOld(
  store: LocalStore,
  archive: string,
): Promise<{ readonly platform: PlatformImage; readonly warnings: readonly string[] }> {
  const warnings: string[] = []
  const [image] = await loadImages(store, archive, { warn: (text) => warnings.push(text) })
  const [platform] = image?.platforms ?? []
  if (image === undefined || platform === undefined) throw new Error(`${archive} holds no image`)
  return { platform: await store.platform(image, platform), warnings }
}
