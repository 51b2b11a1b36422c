import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor, CarriedImage, ClusterConfig, RootfsLayer } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { annotations, isIndexType, isManifestType, maxJsonBytes, mediaTypes, platformFits } from './oci.ts'
import { fullName, parseReference } from './reference.ts'
import type { ClusterImages, OciIndex, OciManifest } from './schemas.ts'
import { clusterConfigSchema, clusterImagesSchema } from './schemas.ts'
import type { LocalStore } from './store.ts'

/** One platform of a cluster image, ready to be sealed: all its blobs are in the store. */
export interface PlatformParts {
  readonly platform: Platform
  /** In the order in which they are unpacked. An annotation `io.sealer.layer.created-by` becomes the layer's history. */
  readonly layers: readonly RootfsLayer[]
  readonly config: ClusterConfig
  readonly ociConfig: { readonly Env: readonly string[]; readonly Labels: Readonly<Record<string, string>> }
  readonly images: readonly CarriedImage[]
  /** The manifest of a rootfs image that is in the store and stays as it is; by itself it is written from layers and `ociConfig`. */
  readonly rootfs?: BlobDescriptor
  /** Digests of layers that hold container images and nothing else, so that hosts need them not. */
  readonly imageLayers?: readonly string[]
}

interface SealInput {
  readonly tag: string
  readonly platforms: readonly PlatformParts[]
  /** Made on this machine of what its user has said: such an image is trusted without a signature. */
  readonly built?: boolean
}

/**
 * Writes the documents of a cluster image and gives the image its name.
 * @throws IMAGE_INVALID when the parts contradict each other, IMAGE_INCOMPLETE when a blob is not in the store
 */
export async function sealImage(
  store: LocalStore,
  { tag, platforms, built = false }: SealInput,
): Promise<{ digest: string }> {
  const image = fullName(parseReference(tag))
  const root = await writeImage(store.blobs, { image, platforms })
  await store.tag(image, root, built ? { came: 'built' } : {})
  return { digest: root.digest }
}

/**
 * Writes the documents of a cluster image (docs/design/image-format.md). Equal parts give equal bytes and so an equal digest.
 * @throws IMAGE_INVALID when the parts contradict each other
 */
export async function writeImage(
  blobs: BlobStore,
  { image, platforms }: { readonly image: string; readonly platforms: readonly PlatformParts[] },
): Promise<BlobDescriptor> {
  const byPlatform = platforms.toSorted((a, b) => compare(platformText(a.platform), platformText(b.platform)))
  const contradiction = contradictionIn(byPlatform)
  if (contradiction !== undefined) throw imageErrors.IMAGE_INVALID({ image, reason: contradiction })

  const manifests: BlobDescriptor[] = []
  for (const parts of byPlatform) {
    const rootfs = parts.rootfs ?? (await writeRootfs(blobs, parts))
    const companion = await writeCompanion(blobs, parts, rootfs.digest)
    manifests.push(
      { ...rootfs, platform: parts.platform, annotations: { [annotations.companion]: companion.digest } },
      {
        ...companion,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { [annotations.rootfs]: rootfs.digest },
      },
    )
  }
  const index: OciIndex = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
  return putJson(blobs, mediaTypes.index, index)
}

async function writeRootfs(blobs: BlobStore, { platform, layers, ociConfig }: PlatformParts): Promise<BlobDescriptor> {
  const config = await putJson(blobs, mediaTypes.imageConfig, {
    ...platform,
    config: ociConfig,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(({ blob }) => {
      const createdBy = blob.annotations?.[annotations.createdBy]
      return createdBy === undefined ? {} : { created_by: createdBy }
    }),
  })
  return putManifest(blobs, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: layers.map(({ blob }) => plain(blob)),
  })
}

async function writeCompanion(blobs: BlobStore, parts: PlatformParts, rootfs: string): Promise<BlobDescriptor> {
  const { imageLayers = [] } = parts
  const images: ClusterImages = {
    schemaVersion: 1,
    platform: parts.platform,
    images: parts.images
      .map((image) => ({
        ...image,
        blobs: image.blobs.map((blob) => blob.digest),
        apps: [...image.apps],
        reasons: [...image.reasons],
      }))
      .toSorted((a, b) => compare(a.reference, b.reference)),
  }
  const carried = new Map(parts.images.flatMap((image) => image.blobs.map((blob) => [blob.digest, asCarried(blob)])))
  return putManifest(blobs, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: mediaTypes.cluster,
    config: await putJson(blobs, mediaTypes.clusterConfig, parts.config),
    layers: [
      await putJson(blobs, mediaTypes.clusterImages, images),
      ...[...carried.values()].toSorted((a, b) => compare(a.digest, b.digest)),
    ],
    annotations: {
      [annotations.rootfs]: rootfs,
      ...(imageLayers.length > 0 && { [annotations.imageLayers]: imageLayers.join(',') }),
    },
  })
}

function contradictionIn(platforms: readonly PlatformParts[]): string | undefined {
  if (platforms.length === 0) return 'it has no platform'
  for (const [at, { platform, layers, config, images }] of platforms.entries()) {
    const text = platformText(platform)
    if (platforms.slice(at + 1).some((other) => platformFits(platform, other.platform))) return `${text} is there twice`
    if (!platformFits(platform, config.platform))
      return `its config for ${text} is for ${platformText(config.platform)}`
    if (layers.length === 0) return `it has no layer for ${text}`
    const configIssue = clusterConfigSchema.safeParse(config).error?.issues[0]
    if (configIssue !== undefined)
      return `its config for ${text}: ${configIssue.path.join('.')}: ${configIssue.message}`
    const twice = images.find((image, i) => images.slice(i + 1).some((other) => other.reference === image.reference))
    if (twice !== undefined) return `${twice.reference} is carried twice for ${text}`
    const headless = images.find((image) => !image.blobs.some((blob) => blob.digest === image.digest))
    if (headless !== undefined) return `the blobs of ${headless.reference} lack what its name points at`
    const listed = {
      schemaVersion: 1,
      platform,
      images: images.map((image) => ({ ...image, blobs: image.blobs.map((blob) => blob.digest) })),
    }
    const listIssue = clusterImagesSchema.safeParse(listed).error?.issues[0]
    if (listIssue !== undefined)
      return `its container images for ${text}: ${listIssue.path.join('.')}: ${listIssue.message}`
  }
  return undefined
}

const putManifest = (blobs: BlobStore, manifest: OciManifest): Promise<BlobDescriptor> =>
  putJson(blobs, mediaTypes.manifest, manifest)

/** Stores a document with its keys sorted: the same content is the same blob. */
async function putJson(blobs: BlobStore, mediaType: string, document: object): Promise<BlobDescriptor> {
  const bytes = Buffer.from(JSON.stringify(document, (_key, value: unknown) => sorted(value)))
  if (bytes.length > maxJsonBytes) {
    const reason = `a document of type ${mediaType} has ${bytes.length} bytes, registries take ${maxJsonBytes}`
    throw imageErrors.IMAGE_INVALID({ image: 'The image', reason })
  }
  return { mediaType, ...(await blobs.put(bytes)) }
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => compare(a, b)))
    : value

const plain = ({ mediaType, digest, size }: BlobDescriptor): BlobDescriptor => ({ mediaType, digest, size })

/** Its digest stays; its media type says that it is bytes like a layer. */
function asCarried(blob: BlobDescriptor): BlobDescriptor {
  const { mediaType, digest, size } = blob
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) return plain(blob)
  return { mediaType: mediaTypes.carriedManifest, digest, size, annotations: { [annotations.carriedType]: mediaType } }
}

/** Order of code units: the same on every machine, whatever its language. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
