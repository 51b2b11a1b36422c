import { SealerError } from '../errors.ts'
import type { TransferOptions } from '../sealer.ts'
import type { Offered } from '../trust/gate.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { isIndexType, maxJsonBytes } from './oci.ts'
import type { ClusterPair } from './read-cluster-image.ts'
import { bindsPairs, clusterPairs, readPlatform, wantedPairs } from './read-cluster-image.ts'
import { fullName, parseReference, type Reference } from './reference.ts'
import type { RegistryClient } from './registry-client.ts'
import { transfersAtOnce } from './registry-client.ts'
import { adding, fetchAttachments } from './remote-attachments.ts'
import type { OciIndex } from './schemas.ts'
import { indexSchema, manifestSchema, parseJson } from './schemas.ts'
import { sideBySide } from './side-by-side.ts'
import type { LocalStore } from './store.ts'
import { TransferProgress } from './transfer-progress.ts'

/** Lets an image pass before anything of it is read. @throws what refuses it */
export type Admit = (image: { readonly reference: string; readonly digest: string }, offered: Offered) => Promise<void>

/** How images are pulled. */
export interface PullOptions extends TransferOptions {
  /** Told what a user should know of images of sealer 0.9 to 0.11. */
  readonly warn?: (text: string) => void
  readonly admit?: Admit
}

/** What a name points at in a registry. */
interface Root {
  readonly blob: BlobDescriptor
  readonly bytes: Buffer
}

/**
 * Brings a cluster image from a registry into the store, with its signatures. Its name points at it when every blob is here and proven; what an
 * interrupted pull has fetched stays and is not fetched again.
 * @throws REGISTRY_…, IMAGE_NOT_CLUSTER, IMAGE_INVALID, IMAGE_PLATFORM_MISSING, BLOB_CORRUPT, OLD_IMAGE_…
 */
export async function pullImage(
  client: RegistryClient,
  store: LocalStore,
  reference: string,
  options: PullOptions = {},
): Promise<void> {
  const name = parseReference(reference)
  const image = fullName(name)
  const root = await client.manifest(name, name.digest ?? name.tag ?? 'latest', options)
  const offered = await fetchAttachments(client, store, name, root.blob.digest, options)
  await options.admit?.({ reference: image, digest: root.blob.digest }, offered)
  const index = isIndexType(root.blob.mediaType)
    ? parseJson(indexSchema, root.bytes, (reason) => imageErrors.IMAGE_INVALID({ image, reason }))
    : undefined
  const bring = async () => {
    await store.blobs.put(root.bytes, { digest: root.blob.digest })
    if (index !== undefined && bindsPairs(index.manifests)) {
      await bringPairs(client, store, name, wantedPairs(clusterPairs(index, image), image, options.platforms), options)
      const attach = adding(store.blobs, image, offered.attachments)
      await store.tag(image, root.blob, { came: 'pulled', attach })
    } else {
      await store.tag(image, await bringOld(client, store, name, root, index, options), { came: 'pulled' })
    }
  }
  // A clean-up by another process can take a blob that was here before and had no name yet: then once more.
  await bring().catch((error: unknown) => {
    if (SealerError.is(error) && error.code === 'IMAGE_INCOMPLETE') return bring()
    throw error
  })
}

async function bringPairs(
  client: RegistryClient,
  store: LocalStore,
  name: Reference,
  pairs: readonly ClusterPair[],
  options: PullOptions,
): Promise<void> {
  const manifests = pairs.flatMap(({ rootfs, companion }) => [rootfs, companion])
  await bringManifests(client, store, name, manifests, options)
  await bringParts(client, store, name, manifests, options)
  for (const pair of pairs) await readPlatform(store.blobs, pair, fullName(name))
}

/** Brings an image of sealer 0.9 to 0.11 and makes a cluster image of it. Of anything else no layer is fetched. */
async function bringOld(
  client: RegistryClient,
  store: LocalStore,
  name: Reference,
  { blob: root }: Root,
  index: OciIndex | undefined,
  options: PullOptions,
): Promise<BlobDescriptor> {
  const image = fullName(name)
  const { clusterImageOf, instancesOf, refuseForeign } = await import('../old-images/cluster-image-of.ts')
  const manifests = index === undefined ? [root] : instancesOf(index.manifests, image, options.platforms)
  if (index !== undefined) await bringManifests(client, store, name, manifests, options)
  const configs = (await partsOf(store, name, manifests)).configs.filter(({ size }) => size <= maxJsonBytes)
  for (const blob of configs) await client.fetchBlob(name, blob, store.blobs, { signal: options.signal })
  await refuseForeign(store.blobs, root, manifests, image)
  await bringParts(client, store, name, manifests, options)
  const { platforms, signal, warn = () => {} } = options
  return clusterImageOf(store, image, [root], { platforms, signal, warn })
}

async function bringManifests(
  client: RegistryClient,
  { blobs }: LocalStore,
  name: Reference,
  manifests: readonly BlobDescriptor[],
  { signal }: PullOptions,
): Promise<void> {
  for (const manifest of manifests) await client.fetchManifest(name, manifest, blobs, { signal })
}

/** What manifests of the store list, each blob once. */
async function partsOf({ blobs }: LocalStore, name: Reference, manifests: readonly BlobDescriptor[]) {
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image: fullName(name), reason })
  const all = new Map<string, BlobDescriptor>()
  const configs: BlobDescriptor[] = []
  for (const { digest } of manifests) {
    const { config, layers } = parseJson(manifestSchema, await blobs.read(digest), refuse)
    configs.push(config)
    for (const blob of [config, ...layers]) all.set(blob.digest, blob)
  }
  return { all: [...all.values()], configs }
}

/** Fetches the configs and layers of manifests side by side. */
async function bringParts(
  client: RegistryClient,
  store: LocalStore,
  name: Reference,
  manifests: readonly BlobDescriptor[],
  { signal, onProgress }: PullOptions,
): Promise<void> {
  const { all } = await partsOf(store, name, manifests)
  const total = all.reduce((sum, blob) => sum + blob.size, 0)
  const progress = new TransferProgress(fullName(name), total, onProgress)
  await sideBySide(
    all,
    (blob, stop) => client.fetchBlob(name, blob, store.blobs, { signal: stop, onBytes: progress.onBytes }),
    { limit: transfersAtOnce, signal },
  )
}
