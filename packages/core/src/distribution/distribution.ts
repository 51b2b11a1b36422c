import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage, PlatformImage } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { KnownHost } from '../runtime.ts'
import type { Step } from '../step.ts'
import { bytesOf, missingBlobs, onceEach } from './inventory.ts'
import { dataRoot } from './paths.ts'
import { blobsToServe, placeIdentity, registryMap, serveImages, stopRegistry } from './registry.ts'
import type { RegistryMap } from './registry-map.ts'
import type { RegistryAuthority } from './registry-pki.ts'
import { composeRootfs } from './rootfs.ts'
import { sendBlobs } from './send-blobs.ts'

/** A host and what it gets. */
export interface Receiver extends KnownHost {
  /** The image's variant for this host's platform. */
  readonly image: PlatformImage
}

/** What distribution is to do. */
export interface DistributionPlan {
  readonly cluster: string
  readonly receivers: readonly Receiver[]
  readonly store: ImageStore
  readonly registry: { readonly port: number; readonly fallback: RegistryMap['fallback'] }
  readonly authority: RegistryAuthority
  readonly clock: Clock
  /** Whether container images reach hosts from the masters' registries at all. */
  readonly serve: boolean
}

/** The steps, and what follows from them for others. */
export interface Distribution {
  readonly steps: readonly Step[]
  /** How container images reach the hosts. */
  readonly registries: RegistryMap
  /** Bytes that each host has yet to receive, by its name. */
  readonly bytes: ReadonlyMap<string, number>
}

/** Which hosts are control planes. */
export const isMaster = (host: HostView): boolean => host.roles.includes('master')

/**
 * Steps that bring the image to the hosts: every host its own platform's rootfs, and every master the container images of all platforms
 * that the cluster has, served from where they arrived. Only what a host lacks travels.
 */
export async function distributionSteps(plan: DistributionPlan): Promise<Distribution> {
  const images = carriedBy(plan.receivers)
  const masters = plan.receivers.filter(({ view }) => isMaster(view))
  const serving = plan.serve && images.length > 0
  const perHost = await Promise.all(plan.receivers.map((receiver) => stepsOf(receiver, plan, serving ? images : [])))
  return {
    steps: perHost.flatMap(({ steps }) => steps),
    registries: registryMap(
      plan.cluster,
      masters.map(({ view }) => view),
      serving ? images : [],
      plan.registry,
    ),
    bytes: new Map(perHost.map(({ name, bytes }) => [name, bytes])),
  }
}

async function stepsOf(
  receiver: Receiver,
  plan: DistributionPlan,
  images: readonly CarriedImage[],
): Promise<{ name: string; bytes: number; steps: readonly Step[] }> {
  const { view, image } = receiver
  const { cluster, store, authority, clock } = plan
  const rootfs = await transfer(receiver, {
    id: `rootfs-blobs/${view.name}`,
    title: 'Receive the rootfs',
    blobs: image.layers.map((layer) => layer.blob),
    store,
  })
  const steps = [rootfs.step, composeRootfs(view, cluster, image, [rootfs.step.id])]
  if (images.length === 0) return { name: view.name, bytes: rootfs.bytes, steps }
  const identity = placeIdentity(view, cluster, authority, clock)
  if (!isMaster(view)) return { name: view.name, bytes: rootfs.bytes, steps: [...steps, identity] }
  const content = await transfer(receiver, {
    id: `image-blobs/${view.name}`,
    title: 'Receive the container images',
    blobs: blobsToServe(images),
    store,
    after: [rootfs.step.id],
  })
  const serve = serveImages(view, cluster, images, {
    port: plan.registry.port,
    authority,
    clock,
    after: [identity.id, content.step.id, `rootfs/${view.name}`],
  })
  return { name: view.name, bytes: rootfs.bytes + content.bytes, steps: [...steps, identity, content.step, serve] }
}

async function transfer(
  { view, exists }: Receiver,
  {
    id,
    title,
    blobs,
    store,
    after = [],
  }: { id: string; title: string; blobs: readonly BlobDescriptor[]; store: ImageStore; after?: readonly string[] },
): Promise<{ step: Step; bytes: number }> {
  const missing = exists ? await missingBlobs(view, blobs) : onceEach(blobs).map((blob) => ({ blob, arrived: 0 }))
  const bytes = bytesOf(missing)
  const step: Step = {
    id,
    title,
    host: view,
    after,
    bytes,
    lane: 'upload',
    skip: async () => (missing.length === 0 ? 'has every blob' : undefined),
    do: (work) => sendBlobs(work, onceEach(blobs), store),
  }
  return { step, bytes }
}

/** Container images of all platforms that the cluster has; what they share is named once. */
function carriedBy(receivers: readonly Receiver[]): readonly CarriedImage[] {
  const variants = new Map(receivers.map(({ image }) => [image.rootfs, image]))
  return [...variants.values()].flatMap((image) => image.images)
}

/** Steps that take everything of sealer off a host, after all others. */
export function forgetSteps(host: HostView, after: readonly string[]): readonly Step[] {
  const stop = stopRegistry(host, after)
  return [
    stop,
    {
      id: `forget/${host.name}`,
      title: 'Remove the blobs and the rootfs',
      host,
      after: [...after, stop.id],
      skip: async () => ((await host.has(dataRoot)) ? undefined : 'has none'),
      do: async ({ host }) => {
        await host.exec('rm', '-rf', dataRoot)
      },
    },
  ]
}
