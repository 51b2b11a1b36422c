import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { clusterImageOf } from '../old-images/cluster-image-of.ts'
import type { LoadOptions } from '../sealer.ts'
import { sortEntries } from './archive-attachments.ts'
import { namedRoots } from './archive-names.ts'
import { readLayout, readOciArchive } from './archives.ts'
import { closureOf } from './closure.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import type { StoredImage } from './image-store.ts'
import { annotations } from './oci.ts'
import type { Admit } from './pull.ts'
import { readPlatform, wantedPairs } from './read-cluster-image.ts'
import { adding } from './remote-attachments.ts'
import type { LocalStore } from './store.ts'
import { openArchive, unpacked } from './tar-file.ts'

/** How images are loaded. */
export interface Loading extends LoadOptions {
  /** Told what a user should know of images of sealer 0.9 to 0.11. */
  readonly warn?: (text: string) => void
  readonly admit?: Admit
}

/**
 * Reads cluster images from an OCI archive (a file, or a stream such as stdin) or a layout folder. Names appear when all of
 * the archive is read and proven.
 * @throws DELTA_BASE_MISSING, ARCHIVE_INVALID, IMAGE_NOT_CLUSTER, IMAGE_INVALID, IMAGE_INCOMPLETE, BLOB_CORRUPT, OLD_IMAGE_…
 */
export async function loadImages(
  store: LocalStore,
  source: string | Readable,
  { signal, onProgress, platforms, tag, warn = () => {}, admit = async () => {} }: Loading = {},
): Promise<readonly StoredImage[]> {
  const archive = typeof source === 'string' ? source : 'the archive'
  const total = typeof source === 'string' ? await sizeOf(source) : 0
  let done = 0
  const onBytes = (bytes: number) => {
    done += bytes
    onProgress?.({ done, total: Math.max(done, total), what: archive })
  }

  const entries = await sortEntries(store.blobs, await readRoots(store, source, archive, signal, onBytes))
  const attachments = (root: BlobDescriptor) => entries.attachments.get(root.digest) ?? []
  const images = new Map<string, BlobDescriptor>()
  for (const [name, roots] of namedRoots(entries.images, archive, tag)) {
    for (const root of roots) {
      await admit({ reference: name, digest: root.digest }, { attachments: attachments(root) })
      await refuseWithoutBase(store, root, archive)
    }
    const root = await clusterImageOf(store, name, roots, { platforms, warn, signal })
    const pairs = wantedPairs(await store.pairs(name, root.digest), name, platforms)
    for (const pair of pairs) await readPlatform(store.blobs, pair, name)
    images.set(name, root)
  }
  for (const [name, root] of images) {
    await store.tag(name, root, { came: 'loaded', attach: adding(store.blobs, name, attachments(root)) })
  }
  return Promise.all([...images.keys()].map((name) => store.resolve(name)))
}

/** A delta brings its indexes and manifests whole, so what its base should have brought shows. */
async function refuseWithoutBase(store: LocalStore, root: BlobDescriptor, archive: string): Promise<void> {
  const bases = root.annotations?.[annotations.since]
  if (bases === undefined) return
  const { missing } = await closureOf(store.blobs, root, archive)
  if (missing.length === 0) return
  throw imageErrors.DELTA_BASE_MISSING({ archive, bases, missing: missing.map((blob) => blob.digest) })
}

async function readRoots(
  store: LocalStore,
  source: string | Readable,
  archive: string,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<BlobDescriptor[]> {
  if (typeof source !== 'string')
    return readOciArchive(await unpacked(source, archive), archive, store.blobs, signal, onBytes)
  if ((await stat(source)).isDirectory()) return readLayout(source, store.blobs, signal, onBytes)
  return readOciArchive(await openArchive(source), archive, store.blobs, signal, onBytes)
}

async function sizeOf(path: string): Promise<number> {
  const seen = await stat(path).catch((cause) => {
    throw imageErrors.ARCHIVE_INVALID({ archive: path, reason: 'there is no such file' }, { cause })
  })
  return seen.isFile() ? seen.size : 0
}
