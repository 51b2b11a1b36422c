import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { isIndexType, isManifestType, platformFits } from './oci.ts'
import { imageConfigSchema, indexSchema, manifestSchema, parseJson } from './schemas.ts'

/** A container image whose blobs are in the store, before anybody has said who needs it and why. */
export type FetchedImage = Omit<CarriedImage, 'apps' | 'reasons'>

/** Where the blobs of a container image come from; each call also stores the blob, its digest proven. */
export interface BlobSource {
  /** For messages: `registry.k8s.io/pause:3.10`. */
  readonly name: string
  /** A manifest or index: at most 4 MiB. */
  manifest(blob: BlobDescriptor): Promise<Buffer>
  config(blob: BlobDescriptor): Promise<Buffer>
  layers(blobs: readonly BlobDescriptor[]): Promise<void>
}

/**
 * Brings one platform of a container image into the store, its digests untouched: of an upstream index that platform's
 * manifest, config and layers, and the index itself as a blob.
 * @throws IMAGE_PLATFORM_MISSING, IMAGE_INVALID, and what the source throws
 */
export async function fetchPlatform(
  source: BlobSource,
  root: BlobDescriptor,
  platform: Platform,
): Promise<Omit<FetchedImage, 'reference'>> {
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image: source.name, reason })
  const missing = (available: readonly Platform[]) =>
    imageErrors.IMAGE_PLATFORM_MISSING({
      image: source.name,
      platform: platformText(platform),
      available: available.map(platformText).join(', '),
    })

  const blobs: BlobDescriptor[] = []
  let blob = root
  for (let depth = 0; isIndexType(blob.mediaType); depth++) {
    if (depth > 2) throw refuse('its indexes are nested too deeply')
    const index = parseJson(indexSchema, await source.manifest(blob), refuse)
    blobs.push(blob)
    const next =
      index.manifests.find((one) => one.platform !== undefined && platformFits(platform, one.platform)) ??
      index.manifests.find((one) => one.platform === undefined) // the config says which one it is
    if (next === undefined) {
      throw missing(index.manifests.flatMap((one) => (one.platform?.os === 'unknown' ? [] : (one.platform ?? []))))
    }
    blob = next
  }
  if (!isManifestType(blob.mediaType))
    throw refuse(`it is of type ${blob.mediaType}, which is no image that can be run`)

  const manifest = parseJson(manifestSchema, await source.manifest(blob), refuse)
  const config = parseJson(imageConfigSchema, await source.config(manifest.config), refuse)
  const offered = {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
  }
  if (config.os !== platform.os || config.architecture !== platform.architecture) throw missing([offered])
  await source.layers(manifest.layers)
  return {
    digest: root.digest,
    mediaType: root.mediaType,
    blobs: unique([...blobs, blob, manifest.config, ...manifest.layers].map(plain)),
  }
}

/** An image may list a layer twice; it is one blob. */
const unique = (blobs: readonly BlobDescriptor[]): BlobDescriptor[] => [
  ...new Map(blobs.map((blob) => [blob.digest, blob])).values(),
]

const plain = ({ mediaType, digest, size }: BlobDescriptor): BlobDescriptor => ({ mediaType, digest, size })
