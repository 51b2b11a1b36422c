import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { isIndexType, isManifestType } from './oci.ts'
import { indexSchema, manifestSchema, parseJson } from './schemas.ts'

/** What an image consists of, as far as it is in the store. */
export interface Closure {
  /** By digest, the root first; a blob that is needed twice stands once. */
  readonly here: ReadonlyMap<string, BlobDescriptor>
  /** Of those, the indexes and manifests, each before its parts; the manifests that a companion carries are bytes like layers. */
  readonly documents: readonly BlobDescriptor[]
  /** Manifests that an index names and that are not here: platforms that nobody has fetched. */
  readonly absent: readonly BlobDescriptor[]
  /** Configs, layers and the root that are not here, or are here with another size. */
  readonly missing: readonly BlobDescriptor[]
}

/**
 * Follows index, manifests, configs and layers from a root.
 * @throws IMAGE_INVALID when one of its documents has another form
 */
export async function closureOf(blobs: BlobStore, root: BlobDescriptor, image: string): Promise<Closure> {
  const here = new Map<string, BlobDescriptor>()
  const documents: BlobDescriptor[] = []
  const absent: BlobDescriptor[] = []
  const missing: BlobDescriptor[] = []
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })

  const visit = async (blob: BlobDescriptor, otherwise: BlobDescriptor[], depth: number): Promise<void> => {
    if (here.has(blob.digest)) return
    if (depth > 4) throw refuse('its indexes are nested too deeply')
    if ((await blobs.size(blob.digest)) !== blob.size) {
      otherwise.push(blob)
      return
    }
    here.set(blob.digest, blob)
    if (isIndexType(blob.mediaType) || isManifestType(blob.mediaType)) documents.push(blob)
    if (isIndexType(blob.mediaType)) {
      const index = parseJson(indexSchema, await blobs.read(blob.digest), refuse)
      for (const manifest of index.manifests) await visit(manifest, absent, depth + 1)
    } else if (isManifestType(blob.mediaType)) {
      const manifest = parseJson(manifestSchema, await blobs.read(blob.digest), refuse)
      for (const part of [manifest.config, ...manifest.layers]) await visitLeaf(part)
    }
  }
  // What a manifest lists are bytes, also when they are manifests of the container images that a companion carries.
  const visitLeaf = async (blob: BlobDescriptor): Promise<void> => {
    if (here.has(blob.digest)) return
    if ((await blobs.size(blob.digest)) === blob.size) here.set(blob.digest, blob)
    else missing.push(blob)
  }

  await visit(root, missing, 0)
  return { here, documents, absent, missing }
}
