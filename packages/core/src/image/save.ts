import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import type { TransferOptions } from '../sealer.ts'
import { closureOf } from './closure.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { annotations, mediaTypes } from './oci.ts'
import { wantedPairs } from './read-cluster-image.ts'
import type { LocalStore } from './store.ts'
import { TransferProgress } from './transfer-progress.ts'

/**
 * Writes an image as an OCI archive: a tar of an OCI layout with one name. The same image gives the same bytes; the file
 * appears when it is whole.
 * @throws IMAGE_NOT_FOUND, IMAGE_INCOMPLETE, IMAGE_PLATFORM_MISSING
 */
export async function saveImage(
  store: LocalStore,
  reference: string,
  file: string,
  options: TransferOptions = {},
): Promise<void> {
  const { signal, onProgress } = options
  const image = await store.resolve(reference)
  const root = await store.find(reference)
  const blobs = await blobsToSave(store, root, image.reference, options.platforms)
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [named(root, image.reference)] }
  const progress = new TransferProgress(
    image.reference,
    blobs.reduce((sum, blob) => sum + blob.size, 0),
    onProgress,
  )

  const draft = `${file}.${randomUUID()}.part`
  const archive = pack()
  try {
    const written = pipeline(archive, createWriteStream(draft, { flags: 'wx', highWaterMark: 1024 * 1024 }), { signal })
    const packed = packAll(archive, store, index, blobs, progress).catch((error: Error) => archive.destroy(error))
    await Promise.all([written, packed])
    const whole = await open(draft, 'r+')
    await whole.sync()
    await whole.close()
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

async function blobsToSave(
  store: LocalStore,
  root: BlobDescriptor,
  image: string,
  platforms: TransferOptions['platforms'],
): Promise<BlobDescriptor[]> {
  const { here, missing } = await closureOf(store.blobs, root, image)
  if (missing.length > 0) throw imageErrors.IMAGE_INCOMPLETE({ image, missing: missing.map((blob) => blob.digest) })
  if (platforms === undefined) return [...here.values()]
  const pairs = wantedPairs(await store.pairs(image, root.digest), image, platforms)
  const wanted = new Map([[root.digest, root]])
  for (const blob of pairs.flatMap((pair) => [pair.rootfs, pair.companion])) {
    for (const [digest, part] of (await closureOf(store.blobs, blob, image)).here) wanted.set(digest, part)
  }
  return [...wanted.values()]
}

/** Both names of a name, so that each tool finds its own. */
function named({ mediaType, digest, size }: BlobDescriptor, name: string): BlobDescriptor {
  return { mediaType, digest, size, annotations: { [annotations.containerdName]: name, [annotations.refName]: name } }
}

async function packAll(
  archive: Pack,
  store: LocalStore,
  index: object,
  blobs: readonly BlobDescriptor[],
  progress: TransferProgress,
): Promise<void> {
  archive.entry({ ...fixed, name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}')
  archive.entry({ ...fixed, name: 'index.json' }, JSON.stringify(index))
  archive.entry({ ...fixed, name: 'blobs/', type: 'directory', mode: 0o755 })
  archive.entry({ ...fixed, name: 'blobs/sha256/', type: 'directory', mode: 0o755 })
  for (const blob of blobs) {
    const name = `blobs/sha256/${blob.digest.slice('sha256:'.length)}`
    await pipeline(store.open(blob), archive.entry({ ...fixed, name, size: blob.size }))
    progress.onBytes(blob, blob.size)
  }
  archive.finalize()
}

/** Nothing of this machine or this moment gets into the archive. */
const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '', mode: 0o644 }
