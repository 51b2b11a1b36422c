import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { SealerError } from '../errors.ts'
import type { FoundImage } from '../hooks.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { readArchiveImages } from '../image/archives.ts'
import type { BlobStore } from '../image/blobs.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { CarriedImage } from '../image/cluster-config.ts'
import type { FetchedImage } from '../image/fetched-image.ts'
import { gather } from '../image/gather.ts'
import type { FileDigests } from '../image/layer-digests.ts'
import { sha256 } from '../image/layer-digests.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { type BuildContext, ContextProblem } from '../kubefile/context.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { ListedArchive } from './find-images.ts'
import type { LockFile } from './lock-file.ts'

/** Fetches one platform of a container image from its registry into the store. */
export type FetchImage = (reference: string, platform: Platform, signal: AbortSignal) => Promise<FetchedImage>

/** An image out of an archive, and the line that lists the archive. */
export interface UnpackedImage {
  readonly image: FetchedImage
  readonly place: string
}

/** An image that a cluster asked for, and the digest that it was served. */
export type ServedImage = FoundImage & { readonly digest: string }

/** What container images are brought from, and to. */
export interface ImageSources {
  readonly context: BuildContext
  readonly digests: FileDigests
  readonly blobs: BlobStore
  readonly lock?: LockFile
  /** Folder that remembers what was fetched. */
  readonly folder: string
  readonly fetchImage: FetchImage
  /** Whether to ask again for what is known. */
  readonly fresh: boolean
}

/** How many container images are fetched side by side. */
const atOnce = 4

/** Brings container images into the store: from archives of the build context, from what the base carries, from registries. */
export class ImageCarrier {
  readonly #sources: ImageSources
  readonly #notes: CacheNotes
  readonly #reading = new Map<string, Promise<unknown>>()

  constructor(sources: ImageSources) {
    this.#sources = sources
    this.#notes = new CacheNotes(sources.folder)
  }

  /**
   * The images of archives, with the lines that list them.
   * @throws IMAGE_LIST_INVALID, ARCHIVE_INVALID, IMAGE_PLATFORM_MISSING
   */
  async unpack(archives: readonly ListedArchive[], platform: Platform): Promise<UnpackedImage[]> {
    const images: UnpackedImage[] = []
    for (const archive of archives) {
      for (const image of await this.#alone(archive.path, () => this.#read(archive, platform)))
        images.push({ image, place: archive.place })
    }
    return images
  }

  /** Every image that was found, and those of the base. A name is taken from an archive first, then from the base, then from its registry. */
  async carry(
    found: readonly FoundImage[],
    from: { readonly archives: readonly FetchedImage[]; readonly base: readonly CarriedImage[] },
    platform: Platform,
    signal: AbortSignal,
  ): Promise<CarriedImage[]> {
    const near = new Map<string, FetchedImage>(
      [...from.base, ...from.archives].map((image) => [image.reference, image]),
    )
    const far = found.map(({ reference }) => reference).filter((reference) => !near.has(reference))
    this.#sources.lock?.requireAll('images', far, platform)
    const bring = async ({ reference, apps, reasons }: FoundImage, stop: AbortSignal) => {
      const image = near.get(reference) ?? (await this.#fetch(reference, reasons, platform, stop))
      const inherited = from.base.find((one) => one.reference === reference)
      return { ...image, reference, apps: union(inherited?.apps, apps), reasons: union(inherited?.reasons, reasons) }
    }
    const carried = await gather(found, bring, { limit: atOnce, signal })
    return [...from.base.filter(({ reference }) => !found.some((one) => one.reference === reference)), ...carried]
  }

  /** Images that a cluster was served, by the digests that it was served. Most of their blobs are here already. */
  async carryServed(served: readonly ServedImage[], platform: Platform, signal: AbortSignal): Promise<CarriedImage[]> {
    const bring = async ({ digest, ...found }: ServedImage, stop: AbortSignal) => {
      const { registry, repository } = parseReference(found.reference)
      const name = fullName({ registry, repository, digest })
      const image = await this.#explained(found, () => this.#sources.fetchImage(name, platform, stop))
      this.#sources.lock?.use('images', found.reference, platform, digest)
      return { ...image, ...found }
    }
    return await gather(served, bring, { limit: atOnce, signal })
  }

  async #fetch(
    reference: string,
    places: readonly string[],
    platform: Platform,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    const { lock } = this.#sources
    const pinned = lock?.pinned('images', reference, platform) ?? reference
    const key = (name: string) => ['registry', name, platformText(platform)]
    const fetch = async () => [await this.#sources.fetchImage(pinned, platform, signal)] as const
    return await this.#explained({ reference, reasons: places }, async () => {
      const [image] = await this.#remembered(key(pinned), fetch, lock?.renews(reference))
      lock?.use('images', reference, platform, image.digest)
      // The next build asks for the pin, and finds it.
      if (lock !== undefined && pinned === reference)
        await this.#notes.write(key(`${reference}@${image.digest}`).join(' '), [image])
      return image
    })
  }

  /** A failure is told with the places that need the image. */
  async #explained<T>({ reference, reasons }: Omit<FoundImage, 'apps'>, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      if (!SealerError.is(cause)) throw cause
      const { message: reason, hint: remedy } = cause
      throw buildErrors.CONTAINER_IMAGE_UNAVAILABLE({ image: reference, places: reasons, reason, remedy }, { cause })
    }
  }

  async #read({ transport, path, place }: ListedArchive, platform: Platform): Promise<readonly FetchedImage[]> {
    const { context, digests, blobs } = this.#sources
    const source = await context.one(path).catch((error) => {
      throw error instanceof ContextProblem
        ? buildErrors.IMAGE_LIST_INVALID({ place, reason: error.message }, { cause: error })
        : error
    })
    const index = join(source.file, 'index.json')
    const content = source.stats.isDirectory()
      ? await sha256(index).catch(() => 'no layout')
      : await digests.of(source.file, await lstat(source.file, { bigint: true }))
    return this.#remembered([transport, content, platformText(platform)], () =>
      readArchiveImages(source.file, transport, blobs, platform),
    )
  }

  /** What an earlier build has found out, if all of its blobs are still in the store. */
  async #remembered<Images extends readonly FetchedImage[]>(
    key: readonly string[],
    fetch: () => Promise<Images>,
    renew = false,
  ): Promise<Images> {
    const { blobs, fresh } = this.#sources
    const known = fresh || renew ? undefined : await this.#notes.read<Images>(key.join(' '))
    const needed = (known ?? []).flatMap((image) => image.blobs)
    const kept = await Promise.all(needed.map(({ digest }) => blobs.keep(digest)))
    if (known !== undefined && !kept.includes(false)) return known
    const images = await fetch()
    await this.#notes.write(key.join(' '), images)
    return images
  }

  /** One after the other for one archive: the second platform finds the blobs that the first has stored. */
  #alone<T>(path: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#reading.get(path) ?? Promise.resolve()).then(work, work)
    this.#reading.set(path, done)
    return done
  }
}

const union = (...lists: (readonly string[] | undefined)[]): string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
]
