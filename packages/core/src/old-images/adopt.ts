import { z } from 'zod'
import { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { BlobDescriptor, CarriedImage } from '../image/cluster-config.ts'
import type { PlatformParts } from '../image/cluster-image.ts'
import { writeImage } from '../image/cluster-image.ts'
import { imageErrors } from '../image/errors.ts'
import { type BlobSource, fetchPlatform } from '../image/fetched-image.ts'
import { annotations, mediaTypes } from '../image/oci.ts'
import { imageConfigSchema, manifestSchema, parseJson } from '../image/schemas.ts'
import { configOfOld } from './config-of-old.ts'
import { oldImageErrors } from './errors.ts'
import { readContainerImages, readExtension } from './extension.ts'
import { OldNames } from './names.ts'
import { type OldLayers, readOldLayers } from './read-layers.ts'

/** An image of sealer 0.9 to 0.11 whose blobs are in the store. */
export interface OldImage {
  /** Full name. */
  readonly name: string
  /** The manifests of its platforms. */
  readonly manifests: readonly BlobDescriptor[]
  /** Digest of what its name points at where it comes from. */
  readonly origin: string
}

/** How an image is adopted. */
export interface AdoptOptions {
  /** Told what a user should know. */
  readonly warn: (text: string) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a cluster image of an image of sealer 0.9 to 0.11 (docs/design/old-images.md): its manifests stay byte for byte, beside each comes a
 * companion with what its annotations say and the container images of its `registry/`. Equal images give an equal digest. Nothing is named yet.
 * @throws IMAGE_INVALID, IMAGE_INCOMPLETE, ARCHIVE_INVALID, OLD_IMAGE_DAMAGED
 */
export async function adoptOldImage(blobs: BlobStore, image: OldImage, options: AdoptOptions): Promise<BlobDescriptor> {
  const platforms: PlatformParts[] = []
  for (const manifest of image.manifests) platforms.push(await adoptPlatform(blobs, image.name, manifest, options))
  const root = await writeImage(blobs, { image: image.name, platforms })
  return { ...root, annotations: { [annotations.origin]: image.origin } }
}

/** The config of an OCI image, with its labels. */
const configSchema = imageConfigSchema.extend({
  config: z.object({ Labels: z.record(z.string().max(256), z.string().max(64 * 1024)).nullish() }).nullish(),
})

async function adoptPlatform(
  blobs: BlobStore,
  image: string,
  rootfs: BlobDescriptor,
  { warn, signal }: AdoptOptions,
): Promise<PlatformParts> {
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  const manifest = parseJson(manifestSchema, await blobs.read(rootfs.digest), refuse)
  const { os, architecture, variant, ...rest } = parseJson(
    configSchema,
    await blobs.read(manifest.config.digest),
    refuse,
  )
  const platform: Platform = { os, architecture, ...(variant !== undefined && { variant }) }
  const diffIds = rest.rootfs.diff_ids
  const layers = manifest.layers.map((blob, at) => ({ blob, diffId: diffIds[at] ?? '' }))
  if (diffIds.length !== layers.length) throw refuse(`${layers.length} layers have ${diffIds.length} diff IDs`)

  const extension = readExtension(manifest.annotations, refuse)
  const found = await readOldLayers(layers, blobs, refuse, signal)
  const names = new OldNames(readContainerImages(manifest.annotations, refuse), found.texts)
  const { config, doubts } = configOfOld({ platform, extension, labels: rest.config?.Labels ?? {} }, found)
  const tell = (text: string) => warn(`${image} (${platformText(platform)}): ${text}`)
  for (const doubt of doubts) tell(doubt)
  const apps = new Set(config.apps.map(({ name }) => name))
  return {
    platform,
    layers,
    config,
    ociConfig: { Env: [], Labels: {} },
    images: await carriedImages(blobs, { image, platform, found, names, apps, tell }),
    rootfs: { mediaType: mediaTypes.manifest, digest: rootfs.digest, size: rootfs.size },
    imageLayers: found.imageLayers,
  }
}

interface Carrying {
  readonly image: string
  readonly platform: Platform
  readonly found: OldLayers
  readonly names: OldNames
  readonly apps: ReadonlySet<string>
  readonly tell: (text: string) => void
}

async function carriedImages(blobs: BlobStore, carrying: Carrying): Promise<CarriedImage[]> {
  const { platform, found, names, tell } = carrying
  const carried: CarriedImage[] = []
  for (const [stored, digest] of found.tags) {
    const { reference, apps, reasons, doubt } = names.of(stored)
    if (doubt !== undefined) tell(doubt)
    const source = new StoredBlobs(blobs, doubt === undefined ? reference : stored, carrying)
    try {
      const fetched = await fetchPlatform(source, await source.root(digest), platform)
      carried.push({ reference, ...fetched, apps: apps.filter((app) => carrying.apps.has(app)), reasons })
    } catch (error) {
      // The original carried an image of another platform without a word. It could not run either.
      if (!SealerError.is(error) || error.code !== 'IMAGE_PLATFORM_MISSING') throw error
      tell(`${error.message} It is left out.`)
    }
  }
  for (const reference of names.unstored(found.tags)) tell(`it lists ${reference}, but does not carry it.`)
  return carried
}

/** The blobs of a container image. What is missing or altered is told with the image's name. */
class StoredBlobs implements BlobSource {
  readonly name: string
  readonly #blobs: BlobStore
  readonly #image: string
  readonly #altered: ReadonlySet<string>

  constructor(blobs: BlobStore, reference: string, { image, found }: Pick<Carrying, 'image' | 'found'>) {
    this.name = reference
    this.#blobs = blobs
    this.#image = image
    this.#altered = found.altered
  }

  /** What a tag points at: an index or a manifest, which the link does not say. */
  async root(digest: string): Promise<BlobDescriptor> {
    const size = (await this.#blobs.size(digest)) ?? 0
    if (size === 0) throw this.#damaged(digest, false)
    const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image: this.name, reason })
    const { mediaType, manifests } = parseJson(eitherSchema, await this.#blobs.read(digest), refuse)
    return { mediaType: mediaType ?? (manifests === undefined ? mediaTypes.manifest : mediaTypes.index), digest, size }
  }

  async manifest(blob: BlobDescriptor): Promise<Buffer> {
    await this.#require(blob)
    return this.#blobs.read(blob.digest)
  }

  config(blob: BlobDescriptor): Promise<Buffer> {
    return this.manifest(blob)
  }

  async layers(blobs: readonly BlobDescriptor[]): Promise<void> {
    for (const blob of blobs) await this.#require(blob)
  }

  async #require({ digest, size }: BlobDescriptor): Promise<void> {
    const here = await this.#blobs.size(digest)
    if (here !== size) throw this.#damaged(digest, here !== undefined)
  }

  #damaged(digest: string, hasOtherSize: boolean): SealerError {
    const reason = hasOtherSize || this.#altered.has(digest) ? 'altered' : 'missing'
    return oldImageErrors.OLD_IMAGE_DAMAGED({ image: this.#image, carried: this.name, digest, reason })
  }
}

/** An index or a manifest. Which it is, its media type says, else what is in it. */
const eitherSchema = z.object({ mediaType: z.string().max(255).optional(), manifests: z.array(z.unknown()).optional() })
