import type { Dirent } from 'node:fs'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import type { Platform } from '../hosts/host.ts'
import { oldImageErrors } from '../old-images/errors.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { readDockerArchive } from './docker-archive.ts'
import { imageErrors } from './errors.ts'
import type { BlobSource, FetchedImage } from './fetched-image.ts'
import { fetchPlatform } from './fetched-image.ts'
import { annotations, maxJsonBytes, platformFits } from './oci.ts'
import { fullName, isDigest, parseReference } from './reference.ts'
import { indexSchema, layoutSchema, parseJson } from './schemas.ts'
import { eachTarEntry, openArchive, readBody, unpacked } from './tar-file.ts'

/** Forms in which container images lie in a build context; the names are those of skopeo. */
export type ArchiveTransport = 'oci' | 'oci-archive' | 'docker-archive'

/**
 * Brings the container images of an archive or a layout folder into the store, one platform of each. The input is taken as
 * hostile: every digest is proven, no path of it is ever written to.
 * @throws ARCHIVE_INVALID, IMAGE_PLATFORM_MISSING, BLOB_CORRUPT
 */
export async function readArchiveImages(
  path: string,
  transport: ArchiveTransport,
  blobs: BlobStore,
  platform: Platform,
): Promise<FetchedImage[]> {
  if (transport === 'docker-archive') return readDockerArchive(path, blobs, platform)
  const roots =
    transport === 'oci' ? await readLayout(path, blobs) : await readOciArchive(await openArchive(path), path, blobs)
  const images: FetchedImage[] = []
  for (const [reference, root] of named(roots, path, platform)) {
    images.push({ reference, ...(await fetchPlatform(stored(blobs, reference), root, platform)) })
  }
  return images
}

/**
 * Stores every blob of an OCI archive; gives what its `index.json` names. Read once, from beginning to end: it may come
 * through a pipe. An archive of several platforms by sealer 0.9 to 0.11 is a tar of such archives, or of their layouts.
 * @throws ARCHIVE_INVALID, BLOB_CORRUPT, OLD_IMAGE_WITHOUT_METADATA
 */
export async function readOciArchive(
  source: Readable,
  archive: string,
  blobs: BlobStore,
  signal?: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<BlobDescriptor[]> {
  const documents = new Map<string, Buffer>()
  const read = (source: Readable, inside = ''): Promise<void> =>
    eachTarEntry(
      source,
      archive,
      async (entry) => {
        if (entry.link !== undefined) return // an OCI archive has none; its blobs are found by name alone
        const { folder, path } = inside === '' ? placeOf(entry.path) : { folder: inside, path: entry.path }
        if (path === '') return read(await unpacked(entry.body, archive), folder)
        if (documentNames.includes(path))
          documents.set(posix.join(folder, path), await readBody(entry, archive, maxJsonBytes))
        const digest = digestOfPath(path)
        if (digest === undefined) return
        if (!(await blobs.keep(digest))) await blobs.put(entry.body, { digest, size: entry.size }, signal)
        onBytes?.(entry.size)
      },
      signal,
    )
  await read(source)

  const name = documents.get('Metadata')?.toString('utf8').trim()
  const folders = new Set([...documents.keys()].flatMap((path) => placeOf(path).folder || []))
  if (name === undefined || folders.size === 0) return rootsOf(documents, '', archive)
  const roots = [...folders].flatMap((folder) => rootsOf(documents, folder, archive))
  return roots.map((root) => ({ ...root, annotations: { [annotations.refName]: name } }))
}

/** What is kept of an archive beside its blobs: an OCI layout's, docker's, and the name of an image of several platforms. */
const documentNames = ['oci-layout', 'index.json', 'manifest.json', 'Metadata']

/** The archive or layout of one platform that a path belongs to, and the path in it; no folder for the archive itself. */
function placeOf(path: string): { readonly folder: string; readonly path: string } {
  const [, folder = '', rest = ''] = /^([0-9a-f]{64}\.tar)(?:\/(.*))?$/.exec(path) ?? []
  return folder === '' ? { folder, path } : { folder, path: rest }
}

/**
 * The same for a layout folder.
 * @throws ARCHIVE_INVALID, BLOB_CORRUPT
 */
export async function readLayout(
  path: string,
  blobs: BlobStore,
  signal?: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<BlobDescriptor[]> {
  const documents = new Map<string, Buffer>()
  for (const name of documentNames) {
    const bytes = await document(path, name)
    if (bytes !== undefined) documents.set(name, bytes)
  }
  const roots = rootsOf(documents, '', path)
  const folder = join(path, 'blobs', 'sha256')
  for (const { name } of (await files(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const digest = `sha256:${name}`
    if (!isDigest(digest)) continue
    const { size } = await stat(join(folder, name))
    if (!(await blobs.keep(digest))) await blobs.put(createReadStream(join(folder, name)), { digest, size }, signal)
    onBytes?.(size)
  }
  return roots
}

/** Full name that a layout gives to an entry; undefined when it gives none, or a tag alone. */
export function nameInLayout({ annotations: notes = {} }: BlobDescriptor): string | undefined {
  const name = notes[annotations.containerdName] ?? notes[annotations.refName]
  return name === undefined || !/[/:]/.test(name) ? undefined : fullName(parseReference(name))
}

async function document(folder: string, name: string): Promise<Buffer | undefined> {
  const seen = await stat(join(folder, name)).catch(() => undefined)
  if (seen === undefined) return undefined
  if (seen.size > maxJsonBytes) throw imageErrors.ARCHIVE_INVALID({ archive: folder, reason: `${name} is too large` })
  return readFile(join(folder, name))
}

/** Links are left out: a blob that is one could be any file of this machine. */
async function files(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile())
}

function rootsOf(documents: ReadonlyMap<string, Buffer>, folder: string, archive: string): BlobDescriptor[] {
  const refuse = (reason: string) => imageErrors.ARCHIVE_INVALID({ archive, reason })
  const [layout, index, docker] = ['oci-layout', 'index.json', 'manifest.json'].map((name) =>
    documents.get(posix.join(folder, name)),
  )
  if (layout === undefined && docker !== undefined) throw oldImageErrors.OLD_IMAGE_WITHOUT_METADATA({ archive })
  if (layout === undefined) throw refuse('it has no file oci-layout')
  if (index === undefined) throw refuse('it has no file index.json')
  parseJson(layoutSchema, layout, refuse)
  return parseJson(indexSchema, index, refuse).manifests
}

/** Names and what they point at. Where one name stands for several single-platform manifests, the fitting one. */
function named(roots: readonly BlobDescriptor[], archive: string, platform: Platform): Map<string, BlobDescriptor> {
  const images = new Map<string, BlobDescriptor>()
  for (const root of roots) {
    const name = nameInLayout(root)
    if (name === undefined) {
      const reason = `${root.digest} has no full name; write one with e.g. skopeo copy … oci-archive:FILE:docker.io/library/app:v1`
      throw imageErrors.ARCHIVE_INVALID({ archive, reason })
    }
    const fits = root.platform !== undefined && platformFits(platform, root.platform)
    if (!images.has(name) || fits) images.set(name, root)
  }
  if (images.size === 0) throw imageErrors.ARCHIVE_INVALID({ archive, reason: 'there is no image in it' })
  return images
}

/** What a source offers when everything is in the store already. */
function stored(blobs: BlobStore, name: string): BlobSource {
  const refuseMissing = async (blob: BlobDescriptor): Promise<void> => {
    if ((await blobs.size(blob.digest)) === blob.size) return
    throw imageErrors.IMAGE_INCOMPLETE({ image: name, missing: [blob.digest] })
  }
  const read = async (blob: BlobDescriptor): Promise<Buffer> => {
    await refuseMissing(blob)
    return blobs.read(blob.digest)
  }
  return {
    name,
    manifest: read,
    config: read,
    layers: async (layers) => {
      for (const layer of layers) await refuseMissing(layer)
    },
  }
}

const digestOfPath = (path: string): string | undefined => {
  const digest = `sha256:${path.slice('blobs/sha256/'.length)}`
  return path.startsWith('blobs/sha256/') && isDigest(digest) ? digest : undefined
}
