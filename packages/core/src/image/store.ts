import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { type Attachment, attachmentEntry, attachmentsIn, subjectOf, withoutOrphans } from './attachments.ts'
import { BlobStore } from './blobs.ts'
import { closureOf } from './closure.ts'
import type { BlobDescriptor, PlatformImage } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import type { ImageOrigin, ImageStore, StoredImage } from './image-store.ts'
import { holdLock } from './lock.ts'
import { annotations, isIndexType, mediaTypes, platformFits } from './oci.ts'
import { Origins } from './origins.ts'
import type { ClusterPair } from './read-cluster-image.ts'
import { readPairs, readPlatform } from './read-cluster-image.ts'
import { fullName, parseReference, readReference } from './reference.ts'
import { descriptorSchema, parseJson } from './schemas.ts'

/** `index.json` of the layout. What other tools wrote into it stays. */
const layoutIndexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(z.looseObject(descriptorSchema.shape)),
})
type LayoutIndex = z.infer<typeof layoutIndexSchema>
type Entry = LayoutIndex['manifests'][number]

const minute = 60_000
/** A blob without a name stays this long, in milliseconds: a build or a pull may be about to name it. */
export const orphansStay = 60 * minute
/** What an interrupted transfer has left stays this long, in milliseconds, to be gone on with. */
const partialsStay = 7 * 24 * 60 * minute

/** A blob that no name needs. */
export interface UnneededBlob {
  readonly digest: string
  /** Bytes. */
  readonly size: number
  /** When it came, or was last wanted by a build or a transfer; milliseconds since 1970. */
  readonly used: number
}

/** What belongs to an image from now on, given what does so already. */
export type ChangeAttachments = (present: readonly Attachment[]) => Promise<readonly Attachment[]>

/** What is written down together with a name, so that no clean-up comes in between. */
export interface Naming {
  /** How the image came here. */
  readonly came?: ImageOrigin
  readonly attach?: ChangeAttachments
}

/** Asked before an image's content is handed out. @throws what refuses it */
export type Gate = (image: Pick<StoredImage, 'reference' | 'digest'>) => Promise<void>

/** Opens the store of a folder, which need not be there yet. */
export const openStore = (path: string, clock: Clock = systemClock, gate?: Gate): LocalStore =>
  new LocalStore(path, clock, gate)

/** The store of this machine. Names live in the layout's `index.json`, rewritten by rename under a lock. */
export class LocalStore implements ImageStore {
  readonly path: string
  readonly blobs: BlobStore
  readonly origins: Origins
  readonly #clock: Clock
  readonly #gate: Gate | undefined

  constructor(path: string, clock: Clock, gate?: Gate) {
    this.path = path
    this.blobs = new BlobStore(path)
    this.origins = new Origins(join(path, 'origins'))
    this.#clock = clock
    this.#gate = gate
  }

  async list(): Promise<readonly StoredImage[]> {
    const { manifests } = await this.#readIndex()
    return Promise.all(manifests.filter((entry) => nameOf(entry) !== undefined).map((entry) => this.#describe(entry)))
  }

  async resolve(reference: string): Promise<StoredImage> {
    return this.#describe(await this.find(reference))
  }

  async platform(image: StoredImage, platform: Platform): Promise<PlatformImage> {
    await this.#gate?.(image)
    const pairs = await this.pairs(image.reference, image.digest)
    const pair = pairs.find((one) => platformFits(platform, one.platform))
    if (pair === undefined) {
      const available = pairs.map((one) => platformText(one.platform)).join(', ')
      throw imageErrors.IMAGE_PLATFORM_MISSING({ image: image.reference, platform: platformText(platform), available })
    }
    const parts = await readPlatform(this.blobs, pair, image.reference)
    await this.#refuseMissing(image.reference, [
      ...parts.layers.map((layer) => layer.blob),
      ...parts.images.flatMap((carried) => carried.blobs),
    ])
    return parts
  }

  has(digest: string): Promise<boolean> {
    return this.blobs.has(digest)
  }

  blobPath(digest: string): string {
    return this.blobs.path(digest)
  }

  open(blob: BlobDescriptor, offset = 0): Readable {
    return this.blobs.open(blob.digest, offset)
  }

  /**
   * What a name, a digest or the beginning of a digest points at.
   * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS
   */
  async find(reference: string): Promise<BlobDescriptor> {
    const { manifests } = await this.#readIndex()
    const found = byName(manifests, reference) ?? byDigest(manifests, reference)
    if (found === undefined) throw imageErrors.IMAGE_NOT_FOUND({ reference })
    return found
  }

  /** Name and digest of an image of which nothing has been read yet. @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS */
  async named(reference: string): Promise<Pick<StoredImage, 'reference' | 'digest'>> {
    const entry = await this.find(reference)
    return { reference: nameOf(entry) ?? entry.digest, digest: entry.digest }
  }

  /** The platforms of a cluster image that are in the store; its index may name more. */
  async pairs(image: string, digest: string): Promise<ClusterPair[]> {
    const size = (await this.blobs.size(digest)) ?? 0
    const pairs = await readPairs(this.blobs, { mediaType: mediaTypes.index, digest, size }, image)
    const here = await Promise.all(
      pairs.map(async ({ rootfs, companion }) => {
        return (await this.blobs.has(rootfs.digest)) && (await this.blobs.has(companion.digest))
      }),
    )
    return pairs.filter((_pair, at) => here[at])
  }

  /**
   * Lets a name point at an image whose blobs are all here: at least one platform, and each either whole or not at all.
   * @throws IMAGE_INCOMPLETE, IMAGE_INVALID, IMAGE_NOT_CLUSTER
   */
  async tag(reference: string, root: BlobDescriptor, { came, attach }: Naming = {}): Promise<void> {
    const name = fullName(parseReference(reference))
    await this.#change(async (index) => {
      await this.#refuseIncomplete(name, root)
      if (came !== undefined) await this.origins.note(root.digest, came)
      const manifests = attach === undefined ? index.manifests : await attached(index.manifests, root.digest, attach)
      if (manifests.some((entry) => nameOf(entry) === name && entry.digest === root.digest)) {
        if (manifests !== index.manifests) await this.#writeIndex({ ...index, manifests })
        return
      }
      const origin = originOf(root)
      const entry: Entry = {
        mediaType: root.mediaType,
        digest: root.digest,
        size: root.size,
        annotations: {
          [annotations.created]: new Date(this.#clock.now()).toISOString(),
          [annotations.refName]: name,
          ...(origin !== undefined && { [annotations.origin]: origin }),
        },
      }
      const others = manifests.filter((other) => nameOf(other) !== name)
      await this.#writeIndex({ ...index, manifests: withoutOrphans([...others, entry]) })
    })
  }

  /** What belongs to an image: signatures, SBOMs. */
  async attachments(digest: string): Promise<Attachment[]> {
    return attachmentsIn((await this.#readIndex()).manifests, digest)
  }

  /** Changes what belongs to an image; the blobs of what is added are here already. It goes with the image's last name. */
  async attach(digest: string, change: ChangeAttachments): Promise<void> {
    await this.#change(async (index) => {
      await this.#writeIndex({ ...index, manifests: await attached(index.manifests, digest, change) })
    })
  }

  /**
   * Takes a name away (by digest: all its names), then every blob that no name needs: what this image alone consisted of
   * at once, strangers when they are an hour old.
   * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS
   */
  async remove(reference: string): Promise<{ readonly freed: number }> {
    return this.#change(async (index) => {
      const named = byName(index.manifests, reference)
      const gone = named ?? byDigest(index.manifests, reference)
      if (gone === undefined) throw imageErrors.IMAGE_NOT_FOUND({ reference })
      const left = withoutOrphans(
        index.manifests.filter((entry) => (named ? entry !== named : entry.digest !== gone.digest)),
      )
      await this.#writeIndex({ ...index, manifests: left }) // first the name: killed in between, only unneeded blobs stay
      if (!left.some((entry) => entry.digest === gone.digest)) await this.origins.forget(gone.digest)
      const alone = new Set<string>()
      for (const entry of index.manifests)
        if (!left.includes(entry)) for (const digest of await this.#blobsOf(entry)) alone.add(digest)
      return { freed: await this.#collect(left, alone) }
    })
  }

  /** Blobs that no name needs. A build or a transfer that is under way may be about to name them: see how old they are. */
  async unneeded(): Promise<readonly UnneededBlob[]> {
    return this.#unneeded((await this.#readIndex()).manifests)
  }

  /** Removes blobs that `unneeded` has told, as far as they are still unneeded and as old; gives those that are gone. */
  async removeUnneeded(blobs: readonly UnneededBlob[]): Promise<readonly UnneededBlob[]> {
    return this.#change(async ({ manifests }) => {
      const told = new Map(blobs.map((blob) => [blob.digest, blob]))
      const unneeded = await this.#unneeded(manifests)
      const gone = unneeded.filter(({ digest, used }) => (told.get(digest)?.used ?? -1) >= used)
      for (const { digest } of gone) await rm(this.blobs.path(digest), { force: true })
      return gone
    })
  }

  async #unneeded(entries: readonly Entry[]): Promise<UnneededBlob[]> {
    const needed = new Set<string>()
    for (const entry of entries) for (const digest of await this.#blobsOf(entry)) needed.add(digest)
    const folder = join(this.path, 'blobs', 'sha256')
    const unneeded: UnneededBlob[] = []
    for (const hex of await readdir(folder).catch(() => [])) {
      const digest = `sha256:${hex}`
      const seen = await stat(join(folder, hex)).catch(() => undefined)
      if (seen !== undefined && !needed.has(digest)) unneeded.push({ digest, size: seen.size, used: seen.mtimeMs })
    }
    return unneeded
  }

  /** Removes the blobs that no name needs and that are `alone` or old; gives the bytes. The lock is held. */
  async #collect(entries: readonly Entry[], alone: ReadonlySet<string>): Promise<number> {
    const now = Date.now()
    let freed = 0
    for (const { digest, size, used } of await this.#unneeded(entries)) {
      if (!alone.has(digest) && now - used < orphansStay) continue
      await rm(this.blobs.path(digest), { force: true })
      freed += size
    }
    await this.#sweep('partial', (name) => (name.startsWith('put-') ? orphansStay : partialsStay))
    await this.#sweep('.', (name) => (name.startsWith('index.json.') ? orphansStay : Number.POSITIVE_INFINITY))
    return freed
  }

  /** Removes what killed processes have left in a folder, once it is old. */
  async #sweep(folder: string, stays: (name: string) => number): Promise<void> {
    for (const name of await readdir(join(this.path, folder)).catch(() => [])) {
      const file = join(this.path, folder, name)
      const seen = await stat(file).catch(() => undefined)
      if (seen?.isFile() && Date.now() - seen.mtimeMs > stays(name)) await rm(file, { force: true })
    }
  }

  /** Every blob that can be reached from an entry; of a damaged image, its index alone. */
  async #blobsOf(entry: BlobDescriptor): Promise<Set<string>> {
    try {
      return new Set((await closureOf(this.blobs, entry, entry.digest)).here.keys())
    } catch (error) {
      if (SealerError.is(error)) return new Set([entry.digest])
      throw error
    }
  }

  async #describe(entry: BlobDescriptor): Promise<StoredImage> {
    const reference = nameOf(entry) ?? entry.digest
    const created = Date.parse(entry.annotations?.[annotations.created] ?? '')
    const origin = originOf(entry)
    const provenance = await this.origins.of(entry.digest)
    const rest = {
      reference,
      digest: entry.digest,
      created: Number.isNaN(created) ? 0 : created,
      ...(origin !== undefined && { origin }),
      ...(provenance !== undefined && { provenance }),
    }
    try {
      const { here } = await closureOf(this.blobs, entry, reference)
      const size = [...here.values()].reduce((sum, blob) => sum + blob.size, 0)
      const pairs = isIndexType(entry.mediaType) ? await this.pairs(reference, entry.digest) : []
      return { ...rest, size, platforms: pairs.map((pair) => pair.platform) }
    } catch (error) {
      // Damaged, or another tool's: it is listed, so that it can be seen and removed; using it says what is wrong.
      if (SealerError.is(error)) return { ...rest, size: entry.size, platforms: [] }
      throw error
    }
  }

  async #refuseIncomplete(image: string, root: BlobDescriptor): Promise<void> {
    const { missing, absent } = await closureOf(this.blobs, root, image)
    if (missing.length > 0) throw imageErrors.IMAGE_INCOMPLETE({ image, missing: missing.map((blob) => blob.digest) })
    const lacking = new Set(absent.map((blob) => blob.digest))
    const pairs = await readPairs(this.blobs, root, image)
    const broken = pairs.filter((pair) => lacking.has(pair.rootfs.digest) !== lacking.has(pair.companion.digest))
    const unfetched = pairs.every((pair) => lacking.has(pair.rootfs.digest)) ? pairs : broken
    if (unfetched.length === 0) return
    const names = unfetched.flatMap((pair) => [pair.rootfs, pair.companion]).map((blob) => blob.digest)
    throw imageErrors.IMAGE_INCOMPLETE({ image, missing: names.filter((digest) => lacking.has(digest)) })
  }

  async #refuseMissing(image: string, blobs: readonly BlobDescriptor[]): Promise<void> {
    const here = await Promise.all(blobs.map(async (blob) => (await this.blobs.size(blob.digest)) === blob.size))
    const missing = [...new Set(blobs.filter((_blob, at) => !here[at]).map((blob) => blob.digest))]
    if (missing.length > 0) throw imageErrors.IMAGE_INCOMPLETE({ image, missing })
  }

  /** One at a time, over all processes. */
  async #change<T>(change: (index: LayoutIndex) => Promise<T>): Promise<T> {
    await mkdir(this.path, { recursive: true })
    await using _lock = await holdLock(join(this.path, 'index.json.lock'), { patience: minute, clock: this.#clock })
    return await change(await this.#readIndex())
  }

  async #readIndex(): Promise<LayoutIndex> {
    const file = join(this.path, 'index.json')
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (bytes === undefined) return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }
    return parseJson(layoutIndexSchema, bytes, (reason) => imageErrors.IMAGE_INVALID({ image: file, reason }))
  }

  async #writeIndex(index: LayoutIndex): Promise<void> {
    const layout = join(this.path, 'oci-layout')
    if ((await stat(layout).catch(() => undefined)) === undefined)
      await writeFile(layout, '{"imageLayoutVersion":"1.0.0"}')
    await flushFolder(join(this.path, 'blobs', 'sha256')) // the blobs outlive a power failure before a name points at them
    const draft = join(this.path, `index.json.${randomUUID()}`)
    try {
      const file = await open(draft, 'wx', 0o644)
      await file.writeFile(JSON.stringify(index))
      await file.sync()
      await file.close()
      await rename(draft, join(this.path, 'index.json'))
    } finally {
      await rm(draft, { force: true })
    }
  }
}

async function attached(entries: readonly Entry[], digest: string, change: ChangeAttachments): Promise<Entry[]> {
  const attachments = await change(attachmentsIn(entries, digest))
  const others = entries.filter((entry) => subjectOf(entry) !== digest)
  return [...others, ...attachments.map((one): Entry => ({ ...attachmentEntry(digest, one) }))]
}

const nameOf = (entry: BlobDescriptor): string | undefined => entry.annotations?.[annotations.refName]
const originOf = (entry: BlobDescriptor): string | undefined => entry.annotations?.[annotations.origin]

function byName(entries: readonly Entry[], reference: string): Entry | undefined {
  const wanted = readReference(reference)
  if (wanted === undefined) return undefined
  const exact = entries.find((entry) => nameOf(entry) === fullName(wanted))
  if (exact !== undefined || wanted.digest === undefined) return exact
  return entries.find((entry) => {
    const name = readReference(nameOf(entry) ?? '')
    const isIt = entry.digest === wanted.digest || originOf(entry) === wanted.digest
    return isIt && name?.registry === wanted.registry && name.repository === wanted.repository
  })
}

function byDigest(entries: readonly Entry[], reference: string): Entry | undefined {
  const prefix = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(reference)?.[1]
  if (prefix === undefined) return undefined
  const found = entries.filter((entry) => subjectOf(entry) === undefined && entry.digest.startsWith(`sha256:${prefix}`))
  const digests = [...new Set(found.map((entry) => entry.digest))]
  if (digests.length > 1) throw imageErrors.IMAGE_AMBIGUOUS({ reference, matches: digests })
  return found[0]
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync()
  await folder?.close()
}
