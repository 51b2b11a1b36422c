import { SealerError } from '../errors.ts'
import type { TransferOptions } from '../sealer.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { isIndexType } from './oci.ts'
import type { ClusterPair } from './read-cluster-image.ts'
import { clusterPairs, readPlatform, wantedPairs } from './read-cluster-image.ts'
import { fullName, parseReference, type Reference } from './reference.ts'
import type { RegistryClient } from './registry-client.ts'
import { transfersAtOnce } from './registry-client.ts'
import { indexSchema, manifestSchema, parseJson } from './schemas.ts'
import { sideBySide } from './side-by-side.ts'
import type { LocalStore } from './store.ts'
import { TransferProgress } from './transfer-progress.ts'

/**
 * Brings a cluster image from a registry into the store. Its name points at it when every blob is here and proven; what an
 * interrupted pull has fetched stays and is not fetched again.
 * @throws REGISTRY_…, IMAGE_NOT_CLUSTER, IMAGE_INVALID, IMAGE_PLATFORM_MISSING, BLOB_CORRUPT
 */
export async function pullImage(
  client: RegistryClient,
  store: LocalStore,
  reference: string,
  options: TransferOptions = {},
): Promise<void> {
  const name = parseReference(reference)
  const image = fullName(name)
  const { blob: root, bytes } = await client.manifest(name, name.digest ?? name.tag ?? 'latest', options)
  if (!isIndexType(root.mediaType)) {
    throw imageErrors.IMAGE_NOT_CLUSTER({ image, reason: 'it is a single image, a cluster image is an index' })
  }
  const index = parseJson(indexSchema, bytes, (reason) => imageErrors.IMAGE_INVALID({ image, reason }))
  const pairs = wantedPairs(clusterPairs(index, image), image, options.platforms)

  const bring = async () => {
    await store.blobs.put(bytes, { digest: root.digest })
    await bringPlatforms(client, store, name, pairs, options)
    for (const pair of pairs) await readPlatform(store.blobs, pair, image)
    await store.tag(image, root)
  }
  // A clean-up by another process can take a blob that was here before and had no name yet: then once more.
  await bring().catch((error: unknown) => {
    if (SealerError.is(error) && error.code === 'IMAGE_INCOMPLETE') return bring()
    throw error
  })
}

async function bringPlatforms(
  client: RegistryClient,
  { blobs }: LocalStore,
  name: Reference,
  pairs: readonly ClusterPair[],
  { signal, onProgress }: TransferOptions,
): Promise<void> {
  const image = fullName(name)
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image, reason })
  const wanted = new Map<string, BlobDescriptor>()
  for (const { rootfs, companion } of pairs) {
    for (const manifestBlob of [rootfs, companion]) {
      const bytes = await client.fetchManifest(name, manifestBlob, blobs, { signal })
      const { config, layers } = parseJson(manifestSchema, bytes, refuse)
      for (const blob of [config, ...layers]) wanted.set(blob.digest, blob)
    }
  }
  const all = [...wanted.values()]
  const progress = new TransferProgress(
    image,
    all.reduce((sum, blob) => sum + blob.size, 0),
    onProgress,
  )
  await sideBySide(
    all,
    (blob, stop) => client.fetchBlob(name, blob, blobs, { signal: stop, onBytes: progress.onBytes }),
    { limit: transfersAtOnce, signal },
  )
}
