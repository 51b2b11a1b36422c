import { z } from 'zod'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import { imageErrors } from '../image/errors.ts'
import { isIndexType, isManifestType, platformFits } from '../image/oci.ts'
import { bindsPairs } from '../image/read-cluster-image.ts'
import type { OciIndex } from '../image/schemas.ts'
import { imageConfigSchema, indexSchema, manifestSchema, parseJson } from '../image/schemas.ts'
import type { LocalStore } from '../image/store.ts'
import type { AdoptOptions, OldImage } from './adopt.ts'
import { oldImageErrors } from './errors.ts'
import { isOldImage } from './extension.ts'

interface Options extends AdoptOptions {
  /** All when nothing is said. */
  readonly platforms?: readonly Platform[] | undefined
}

/**
 * The index of a cluster image whose blobs are in the store: it is one, or one is made of an image of sealer 0.9 to 0.11.
 * @param roots what the name stands for: one, or the manifests of several platforms
 * @throws IMAGE_NOT_CLUSTER, IMAGE_INVALID, IMAGE_PLATFORM_MISSING, OLD_IMAGE_…
 */
export async function clusterImageOf(
  { blobs }: LocalStore,
  name: string,
  roots: readonly [BlobDescriptor, ...BlobDescriptor[]],
  { platforms, ...options }: Options,
): Promise<BlobDescriptor> {
  const [root] = roots
  if (roots.length === 1 && isIndexType(root.mediaType)) {
    const { manifests } = await readIndex(blobs, root, name)
    if (bindsPairs(manifests)) return root
    const instances = await hereOf(blobs, instancesOf(manifests, name, platforms))
    await refuseForeign(blobs, root, instances, name)
    return adopted(blobs, { name, manifests: instances, origin: root.digest }, options)
  }
  await refuseForeign(blobs, root, roots, name)
  return adopted(blobs, { name, manifests: await fitting(blobs, roots, name, platforms), origin: root.digest }, options)
}

/** With it come the readers of old documents. */
async function adopted(blobs: BlobStore, image: OldImage, options: AdoptOptions): Promise<BlobDescriptor> {
  const { adoptOldImage } = await import('./adopt.ts')
  return adoptOldImage(blobs, image, options)
}

/**
 * The platforms of an index that may be an old image's; manifests that say to be for no platform (attestations) are left alone.
 * @throws IMAGE_PLATFORM_MISSING
 */
export function instancesOf(
  manifests: readonly BlobDescriptor[],
  image: string,
  wanted: readonly Platform[] | undefined,
): readonly BlobDescriptor[] {
  const instances = manifests.filter(({ platform }) => platform?.os !== 'unknown')
  if (wanted === undefined) return instances
  return wanted.map((one) => {
    const found = instances.find(({ platform }) => platform !== undefined && platformFits(one, platform))
    if (found !== undefined) return found
    throw platformMissing(
      image,
      one,
      instances.flatMap(({ platform }) => platform ?? []),
    )
  })
}

/**
 * Refuses manifests that are not those of sealer 0.9 to 0.11. What is needed to tell is in the store: they, and their configs.
 * @throws IMAGE_NOT_CLUSTER, IMAGE_INVALID, OLD_IMAGE_TOO_OLD
 */
export async function refuseForeign(
  blobs: BlobStore,
  root: BlobDescriptor,
  manifests: readonly BlobDescriptor[],
  image: string,
): Promise<void> {
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  const notCluster = imageErrors.IMAGE_NOT_CLUSTER({
    image,
    reason: isIndexType(root.mediaType)
      ? 'its index names no companion of a root file system'
      : 'it is a single image, a cluster image is an index',
  })
  for (const { mediaType, digest } of manifests) {
    if (!isManifestType(mediaType)) throw notCluster
    const { annotations, config } = parseJson(manifestSchema, await blobs.read(digest), refuse)
    if (isOldImage(annotations)) continue
    const bytes = (await blobs.has(config.digest)) ? await blobs.read(config.digest) : Buffer.from('{}')
    throw isOfEarliestForm(bytes) ? oldImageErrors.OLD_IMAGE_TOO_OLD({ image }) : notCluster
  }
  if (manifests.length === 0) throw notCluster
}

/** Until sealer 0.8 the config of an image was a document of its own. */
function isOfEarliestForm(config: Buffer): boolean {
  try {
    return earliestSchema.safeParse(JSON.parse(config.toString('utf8'))).success
  } catch {
    return false
  }
}

const earliestSchema = z.object({ kind: z.literal('Image'), spec: z.object({ layers: z.array(z.unknown()) }) })

/** Of single manifests those of the wanted platforms, as their configs tell them. */
async function fitting(
  blobs: BlobStore,
  manifests: readonly BlobDescriptor[],
  image: string,
  wanted: readonly Platform[] | undefined,
): Promise<readonly BlobDescriptor[]> {
  if (wanted === undefined) return manifests
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  const offered: BlobDescriptor[] = []
  for (const blob of manifests) {
    const { config } = parseJson(manifestSchema, await blobs.read(blob.digest), refuse)
    const { os, architecture, variant } = parseJson(imageConfigSchema, await blobs.read(config.digest), refuse)
    offered.push({ ...blob, platform: { os, architecture, ...(variant !== undefined && { variant }) } })
  }
  return instancesOf(offered, image, wanted)
}

async function hereOf(blobs: BlobStore, manifests: readonly BlobDescriptor[]): Promise<BlobDescriptor[]> {
  const here = await Promise.all(manifests.map(({ digest }) => blobs.has(digest)))
  return manifests.filter((_manifest, at) => here[at])
}

async function readIndex(blobs: BlobStore, { digest }: BlobDescriptor, image: string): Promise<OciIndex> {
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  return parseJson(indexSchema, await blobs.read(digest), refuse)
}

function platformMissing(image: string, platform: Platform, offered: readonly Platform[]): Error {
  const available = offered.map(platformText).join(', ')
  return imageErrors.IMAGE_PLATFORM_MISSING({ image, platform: platformText(platform), available })
}
