import { createHash, randomUUID } from 'node:crypto'
import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pMap from 'p-map'
import type { FoundImage } from '../hooks.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { readArchiveImages } from '../image/archives.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { CarriedImage } from '../image/cluster-config.ts'
import type { FetchedImage } from '../image/fetched-image.ts'
import type { FileDigests } from '../image/layer-digests.ts'
import { sha256 } from '../image/layer-digests.ts'
import { type BuildContext, ContextProblem } from '../kubefile/context.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { ListedArchive } from './find-images.ts'

/** Fetches one platform of a container image from its registry into the store. */
export type FetchImage = (reference: string, platform: Platform) => Promise<FetchedImage>

/** What container images are brought from, and to. */
export interface ImageSources {
  readonly context: BuildContext
  readonly digests: FileDigests
  readonly blobs: BlobStore
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
  readonly #reading = new Map<string, Promise<unknown>>()

  constructor(sources: ImageSources) {
    this.#sources = sources
  }

  /**
   * The images of archives, with the lines that list them.
   * @throws IMAGE_LIST_INVALID, ARCHIVE_INVALID, IMAGE_PLATFORM_MISSING
   */
  async unpack(
    archives: readonly ListedArchive[],
    platform: Platform,
  ): Promise<{ image: FetchedImage; place: string }[]> {
    const images: { image: FetchedImage; place: string }[] = []
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
    signal?: AbortSignal,
  ): Promise<CarriedImage[]> {
    const near = new Map<string, FetchedImage>(
      [...from.base, ...from.archives].map((image) => [image.reference, image]),
    )
    const carried = await pMap(
      found,
      async ({ reference, apps, reasons }) => {
        signal?.throwIfAborted()
        const image = near.get(reference) ?? (await this.#fetch(reference, platform))
        const inherited = from.base.find((one) => one.reference === reference)
        return { ...image, reference, apps: union(inherited?.apps, apps), reasons: union(inherited?.reasons, reasons) }
      },
      { concurrency: atOnce },
    )
    return [...from.base.filter(({ reference }) => !found.some((one) => one.reference === reference)), ...carried]
  }

  async #fetch(reference: string, platform: Platform): Promise<FetchedImage> {
    const [image] = await this.#remembered(['registry', reference, platformText(platform)], async () => [
      await this.#sources.fetchImage(reference, platform),
    ])
    if (image === undefined) throw new Error(`nothing was fetched for ${reference}`)
    return image
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
  async #remembered(
    key: readonly string[],
    fetch: () => Promise<readonly FetchedImage[]>,
  ): Promise<readonly FetchedImage[]> {
    const { folder, blobs, fresh } = this.#sources
    const note = join(folder, `${createHash('sha256').update(JSON.stringify(key)).digest('hex')}.json`)
    const known = fresh ? undefined : await readNote(note)
    const kept = await Promise.all(
      (known ?? []).flatMap((image) => image.blobs).map(({ digest }) => blobs.keep(digest)),
    )
    if (known !== undefined && !kept.includes(false)) return known
    const images = await fetch()
    await mkdir(folder, { recursive: true })
    const draft = `${note}.${randomUUID()}`
    await writeFile(draft, JSON.stringify(images))
    await rename(draft, note)
    return images
  }

  /** One after the other for one archive: the second platform finds the blobs that the first has stored. */
  #alone<T>(path: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#reading.get(path) ?? Promise.resolve()).then(work, work)
    this.#reading.set(path, done)
    return done
  }
}

async function readNote(path: string): Promise<readonly FetchedImage[] | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as FetchedImage[]
  } catch {
    return undefined
  }
}

const union = (...lists: (readonly string[] | undefined)[]): string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
]
