import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import type { SaveOptions } from '../sealer.ts'
import { savedEntries, signedImageNotes } from './archive-attachments.ts'
import type { Attachment } from './attachments.ts'
import { closureOf } from './closure.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { annotations, isIndexType, isManifestType, mediaTypes } from './oci.ts'
import { wantedPairs } from './read-cluster-image.ts'
import type { LocalStore } from './store.ts'
import { TransferProgress } from './transfer-progress.ts'

/** An image of an archive: its name, and the blobs that go with it. */
interface SavedImage {
  readonly name: string
  readonly root: BlobDescriptor
  readonly blobs: readonly BlobDescriptor[]
  /** Signatures and SBOMs. */
  readonly attachments: readonly Attachment[]
}

/**
 * Writes images as an OCI archive: a tar of an OCI layout. The same images give the same bytes. A file appears when it is
 * whole; a stream is ended.
 * @throws IMAGE_NOT_FOUND, IMAGE_INCOMPLETE, IMAGE_PLATFORM_MISSING
 */
export async function saveImages(
  store: LocalStore,
  references: readonly string[],
  target: string | Writable,
  options: SaveOptions = {},
): Promise<void> {
  const { signal, onProgress, since = [] } = options
  const images = await imagesToSave(store, references, options)
  const bases = await Promise.all(since.map((base) => store.resolve(base)))
  const known = await blobsOfBases(store, since)
  const blobs = new Map(images.flatMap((image) => image.blobs.map((blob) => [blob.digest, blob] as const)))
  const attached = await blobsAttached(store, images)
  const sent = [
    ...[...blobs.values()].filter((blob) => isDocument(blob) || !known.has(blob.digest)),
    ...attached.filter((blob) => !blobs.has(blob.digest)),
  ]
  const notes =
    bases.length === 0
      ? {}
      : { [annotations.since]: bases.map(({ reference, digest }) => `${reference}@${digest}`).join(',') }
  const manifests = [
    ...images.map(({ root, name, attachments }) => named(root, name, { ...notes, ...signedImageNotes(attachments) })),
    ...attachedEntries(images),
  ]
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
  const total = sent.reduce((sum, blob) => sum + blob.size, 0)
  const progress = new TransferProgress(images.map((image) => image.name).join(', '), total, onProgress)

  const write = async (output: Writable) => {
    const archive = pack()
    const written = pipeline(archive, output, { signal })
    const packed = packAll(archive, store, index, sent, progress).catch((error: Error) => archive.destroy(error))
    await Promise.all([written, packed])
  }
  if (typeof target === 'string') await writeWhole(target, write)
  else await write(target)
}

/** Writes beside the file and renames: half an archive never has its name. */
async function writeWhole(file: string, write: (output: Writable) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}.part`
  try {
    await write(createWriteStream(draft, { flags: 'wx', highWaterMark: 1024 * 1024 }))
    const whole = await open(draft, 'r+')
    await whole.sync()
    await whole.close()
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

/** In the order of their names, each name once. */
async function imagesToSave(
  store: LocalStore,
  references: readonly string[],
  { platforms }: SaveOptions,
): Promise<SavedImage[]> {
  const images = new Map<string, SavedImage>()
  for (const reference of references) {
    const { reference: name } = await store.resolve(reference)
    const root = await store.find(reference)
    const blobs = await blobsToSave(store, root, name, platforms)
    images.set(name, { name, root, blobs, attachments: await store.attachments(root.digest) })
  }
  return [...images.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Small, and sent with every delta: what has been signed since is why it is made. */
async function blobsAttached(store: LocalStore, images: readonly SavedImage[]): Promise<BlobDescriptor[]> {
  const blobs = new Map<string, BlobDescriptor>()
  for (const { name, attachments } of images) {
    for (const attachment of attachments)
      for (const [digest, blob] of (await closureOf(store.blobs, attachment, name)).here) blobs.set(digest, blob)
  }
  return [...blobs.values()]
}

/** An image with two names has its signatures once. */
function attachedEntries(images: readonly SavedImage[]): BlobDescriptor[] {
  const bySubject = new Map(images.map(({ root, attachments }) => [root.digest, attachments]))
  return [...bySubject].flatMap(([subject, attachments]) => savedEntries(subject, attachments))
}

/** What a receiver of the bases has for certain: all platforms that are here. */
async function blobsOfBases(store: LocalStore, since: readonly string[]): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  for (const base of since) {
    for (const digest of (await closureOf(store.blobs, await store.find(base), base)).here.keys()) known.add(digest)
  }
  return known
}

/** Indexes and manifests are small and always sent: by them the receiver sees what it lacks. */
const isDocument = ({ mediaType }: BlobDescriptor): boolean => isIndexType(mediaType) || isManifestType(mediaType)

async function blobsToSave(
  store: LocalStore,
  root: BlobDescriptor,
  image: string,
  platforms: SaveOptions['platforms'],
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
function named(
  { mediaType, digest, size }: BlobDescriptor,
  name: string,
  notes: Readonly<Record<string, string>>,
): BlobDescriptor {
  const names = { [annotations.containerdName]: name, [annotations.refName]: name }
  return { mediaType, digest, size, annotations: { ...names, ...notes } }
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
