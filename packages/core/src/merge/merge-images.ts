import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { CacheNotes } from '../image/cache-notes.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import { type PlatformParts, sealImage } from '../image/cluster-image.ts'
import type { StoredImage } from '../image/image-store.ts'
import { packLayer } from '../image/layer.ts'
import { platformFits } from '../image/oci.ts'
import { fullName, parseReference } from '../image/reference.ts'
import type { LocalStore } from '../image/store.ts'
import type { Conflict, Named } from './conflict.ts'
import { mergeErrors } from './errors.ts'
import { mergeCarried, mergeConfigs } from './merge-configs.ts'
import { type LayerSource, mergeLayers } from './merge-layers.ts'

/** What came of merging images. */
export interface MergeReport {
  /** Full name. */
  readonly reference: string
  readonly digest: string
  readonly platforms: readonly Platform[]
  /** Full names of the images, in their order. */
  readonly images: readonly string[]
  /** What a user should know. */
  readonly warnings: readonly string[]
}

/** How images are merged. */
export interface MergeOptions {
  /** Full or short name of the new image. */
  readonly tag: string
  /** Those that all images have when nothing is said. */
  readonly platforms?: readonly Platform[] | undefined
  readonly notes: CacheNotes
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes one cluster image of several that are in the store: the union of their files, apps and container images, the later over the earlier.
 * Equal images in the same order give an equal digest. What was attached to them, signatures above all, speaks of them and not of the new one.
 * @throws MERGE_TOO_FEW, MERGE_NO_PLATFORM, IMAGE_PLATFORM_MISSING, MERGE_CONFLICTS with every contradiction
 */
export async function mergeImages(
  store: LocalStore,
  references: readonly string[],
  { tag, platforms, notes, signal }: MergeOptions,
): Promise<MergeReport> {
  const reference = fullName(parseReference(tag))
  const images = await differentImages(store, references)
  const names = images.map((image) => image.reference)
  const common = commonPlatforms(images)
  const wanted = platforms ?? common
  if (wanted.length === 0) throw mergeErrors.MERGE_NO_PLATFORM({ images: names })

  const source = { blobs: store.blobs, notes, signal }
  const merged: MergedPlatform[] = []
  for (const platform of wanted) merged.push(await mergePlatform(store, images, platform, source))
  const problems = merged.flatMap(({ platform, conflicts }) =>
    conflicts.map((conflict) => mergeErrors.MERGE_CONFLICT({ platform: platformText(platform), ...conflict })),
  )
  if (problems.length > 0) throw mergeErrors.MERGE_CONFLICTS({ images: names, count: problems.length }, { problems })

  const { digest } = await sealImage(store, {
    tag: reference,
    platforms: merged.map(({ parts }) => parts),
    built: true,
  })
  const left = platforms === undefined ? leftOut(images, common) : []
  const warnings = [...new Set([...left, ...merged.flatMap((one) => one.notes)])]
  return { reference, digest, platforms: wanted, images: names, warnings }
}

/** Each image once: merged with itself it is itself. */
async function differentImages(store: LocalStore, references: readonly string[]): Promise<StoredImage[]> {
  const images = new Map<string, StoredImage>()
  for (const reference of references) {
    const image = await store.resolve(reference)
    if (!images.has(image.digest)) images.set(image.digest, image)
  }
  if (images.size < 2) throw mergeErrors.MERGE_TOO_FEW({})
  return [...images.values()]
}

function commonPlatforms([first, ...others]: readonly StoredImage[]): readonly Platform[] {
  const hasAll = (platform: Platform) =>
    others.every(({ platforms }) => platforms.some((other) => platformFits(platform, other)))
  return (first?.platforms ?? []).filter(hasAll)
}

function leftOut(images: readonly StoredImage[], common: readonly Platform[]): string[] {
  return images.flatMap(({ reference, platforms }) => {
    const left = platforms.filter((platform) => !common.some((other) => platformFits(platform, other)))
    if (left.length === 0) return []
    return [`${left.map(platformText).join(', ')} of ${reference} is left out, since not all of the images have it.`]
  })
}

interface MergedPlatform {
  readonly platform: Platform
  readonly parts: PlatformParts
  readonly conflicts: readonly Conflict[]
  readonly notes: readonly string[]
}

async function mergePlatform(
  store: LocalStore,
  images: readonly StoredImage[],
  platform: Platform,
  source: LayerSource,
): Promise<MergedPlatform> {
  const read: Named<PlatformImage>[] = []
  for (const image of images) read.push({ name: image.reference, value: await store.platform(image, platform) })
  const each = <T>(part: (image: PlatformImage) => T): Named<T>[] =>
    read.map(({ name, value }) => ({ name, value: part(value) }))
  const config = mergeConfigs(
    platform,
    each((image) => image.config),
  )
  const layers = await mergeLayers(
    each((image) => image.layers),
    source,
  )
  const carried = mergeCarried(each((image) => image.images))
  const Env = Object.entries(config.value.env).map(([name, value]) => `${name}=${value}`)
  return {
    platform,
    parts: {
      platform,
      // Tools expect a layer, also of an image without files.
      layers: layers.value.length > 0 ? layers.value : [await packLayer({ entries: [], mtime: 0 }, store.blobs)],
      config: config.value,
      ociConfig: { Env, Labels: config.value.labels },
      images: carried.value,
    },
    conflicts: [...config.conflicts, ...carried.conflicts, ...layers.conflicts],
    notes: config.notes,
  }
}
