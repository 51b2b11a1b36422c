import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor, PlatformImage } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { annotations, isIndexType, isManifestType, mediaTypes, platformFits } from './oci.ts'
import type { OciIndex } from './schemas.ts'
import {
  clusterConfigSchema,
  clusterImagesSchema,
  companionSchema,
  imageConfigSchema,
  indexSchema,
  manifestSchema,
  parseJson,
} from './schemas.ts'

/** The two manifests of one platform. */
export interface ClusterPair {
  readonly platform: Platform
  readonly rootfs: BlobDescriptor
  readonly companion: BlobDescriptor
}

/**
 * The pairs that a cluster image's index binds together, both ways. Manifests of platform `unknown/unknown` that belong to
 * no pair (signatures, attestations of other tools) are left alone.
 * @throws IMAGE_NOT_CLUSTER when it binds none, IMAGE_INVALID when half a pair is missing
 */
export function clusterPairs(index: OciIndex, image: string): ClusterPair[] {
  const invalid = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  if (!bindsPairs(index.manifests))
    throw imageErrors.IMAGE_NOT_CLUSTER({ image, reason: 'its index names no companion of a root file system' })

  const pairs = index.manifests.filter(isRootfs).map((rootfs): ClusterPair => {
    const platform = rootfs.platform ?? { os: 'unknown', architecture: 'unknown' }
    const digest = rootfs.annotations?.[annotations.companion]
    if (digest === undefined) throw invalid(`its ${platformText(platform)} (${rootfs.digest}) has no companion`)
    const companion = index.manifests.find((other) => other.digest === digest)
    if (companion === undefined) throw invalid(`the companion ${digest} of its ${platformText(platform)} is gone`)
    if (companion.annotations?.[annotations.rootfs] !== rootfs.digest) {
      throw invalid(`the companion ${digest} of its ${platformText(platform)} belongs to another root file system`)
    }
    if (!isManifestType(rootfs.mediaType) || !isManifestType(companion.mediaType))
      throw invalid('a platform is no image manifest')
    return { platform, rootfs, companion }
  })

  for (const { digest, annotations: notes } of index.manifests) {
    const rootfs = notes?.[annotations.rootfs]
    if (
      rootfs !== undefined &&
      !pairs.some((pair) => pair.companion.digest === digest && pair.rootfs.digest === rootfs)
    ) {
      throw invalid(`the companion ${digest} has lost its root file system ${rootfs}`)
    }
  }
  for (const [at, { platform }] of pairs.entries()) {
    const twice = pairs.slice(at + 1).some((other) => platformFits(platform, other.platform))
    if (twice) throw invalid(`${platformText(platform)} is there twice`)
  }
  return pairs
}

/** Whether an index is a cluster image's: it binds root file systems to their companions. */
export const bindsPairs = (manifests: readonly BlobDescriptor[]): boolean =>
  manifests.some(({ annotations: notes }) => notes?.[annotations.companion] ?? notes?.[annotations.rootfs])

const isRootfs = ({ platform, annotations: notes }: BlobDescriptor): boolean =>
  notes?.[annotations.companion] !== undefined ||
  (notes?.[annotations.rootfs] === undefined && platform !== undefined && platform.os !== 'unknown')

/**
 * Those of the asked platforms, all when nothing is asked.
 * @throws IMAGE_PLATFORM_MISSING
 */
export function wantedPairs(
  pairs: readonly ClusterPair[],
  image: string,
  platforms: readonly Platform[] | undefined,
): readonly ClusterPair[] {
  if (platforms === undefined) return pairs
  return platforms.map((platform) => {
    const pair = pairs.find((one) => platformFits(platform, one.platform))
    if (pair !== undefined) return pair
    const available = pairs.map((one) => platformText(one.platform)).join(', ')
    throw imageErrors.IMAGE_PLATFORM_MISSING({ image, platform: platformText(platform), available })
  })
}

/**
 * Reads a cluster image's index from the store.
 * @throws IMAGE_NOT_CLUSTER, IMAGE_INVALID, IMAGE_INCOMPLETE
 */
export async function readPairs(blobs: BlobStore, root: BlobDescriptor, image: string): Promise<ClusterPair[]> {
  if (!isIndexType(root.mediaType)) {
    throw imageErrors.IMAGE_NOT_CLUSTER({ image, reason: 'it is a single image, a cluster image is an index' })
  }
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  return clusterPairs(parseJson(indexSchema, await blobs.read(root.digest), refuse), image)
}

/**
 * Reads one platform's documents, which may come from anybody, and holds them against each other.
 * @throws IMAGE_INVALID, IMAGE_INCOMPLETE
 */
export async function readPlatform(blobs: BlobStore, pair: ClusterPair, image: string): Promise<PlatformImage> {
  const refuse = (reason: string) =>
    imageErrors.IMAGE_INVALID({ image, reason: `${platformText(pair.platform)}: ${reason}` })
  const rootfs = parseJson(manifestSchema, await blobs.read(pair.rootfs.digest), refuse)
  const rootfsConfig = parseJson(imageConfigSchema, await blobs.read(rootfs.config.digest), refuse)
  const companion = parseJson(companionSchema, await blobs.read(pair.companion.digest), refuse)
  const config = parseJson(clusterConfigSchema, await blobs.read(companion.config.digest), refuse)
  const [listed, ...carried] = companion.layers
  if (listed?.mediaType !== mediaTypes.clusterImages)
    throw refuse('its companion does not begin with the list of container images')
  const list = parseJson(clusterImagesSchema, await blobs.read(listed.digest), refuse)

  for (const said of [rootfsConfig, config.platform, list.platform]) {
    if (!platformFits(pair.platform, said)) throw refuse(`one of its documents is for ${platformText(said)}`)
  }
  const diffIds = rootfsConfig.rootfs.diff_ids
  if (diffIds.length !== rootfs.layers.length)
    throw refuse(`${rootfs.layers.length} layers have ${diffIds.length} diff IDs`)

  const history = (rootfsConfig.history ?? []).filter((entry) => entry.empty_layer !== true)
  const imageLayers = new Set(companion.annotations?.[annotations.imageLayers]?.split(','))
  const layers = rootfs.layers.map((blob, at) => ({
    blob: withHistory(blob, history[at]?.created_by),
    diffId: diffIds[at] ?? '',
  }))
  const blobOf = new Map(carried.map((blob) => [blob.digest, asUpstream(blob)]))
  return {
    config,
    rootfs: pair.rootfs.digest,
    layers: layers.filter(({ blob }) => !imageLayers.has(blob.digest)),
    images: list.images.map((carriedImage) => {
      if (!carriedImage.blobs.includes(carriedImage.digest))
        throw refuse(`${carriedImage.reference} lacks what its name points at`)
      return {
        ...carriedImage,
        blobs: carriedImage.blobs.map((digest) => {
          const blob = blobOf.get(digest)
          if (blob === undefined) throw refuse(`${digest} of ${carriedImage.reference} is not in its companion`)
          return blob
        }),
      }
    }),
  }
}

/** A blob of a container image with the media type that it has upstream. */
function asUpstream(blob: BlobDescriptor): BlobDescriptor {
  const { mediaType, digest, size, annotations: notes } = blob
  if (mediaType !== mediaTypes.carriedManifest) return blob
  return { mediaType: notes?.[annotations.carriedType] ?? mediaTypes.manifest, digest, size }
}

/** What made a layer, so that an image built upon this one can tell it as well. */
const withHistory = (
  { mediaType, digest, size }: BlobDescriptor,
  createdBy: string | null | undefined,
): BlobDescriptor =>
  createdBy
    ? { mediaType, digest, size, annotations: { [annotations.createdBy]: createdBy } }
    : { mediaType, digest, size }
