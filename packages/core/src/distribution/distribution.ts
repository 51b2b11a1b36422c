import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import { Turns } from '../hosts/turns.ts'
import type { BlobDescriptor, CarriedImage, PlatformImage } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { KnownHost } from '../runtime.ts'
import type { Step } from '../step.ts'
import { bytesOf, type Missing, missingBlobs, onceEach } from './inventory.ts'
import { dataRoot } from './paths.ts'
import { blobsToServe, placeIdentity, type RegistryAccess, registryMap, registryStep, serveImages } from './registry.ts'
import type { RegistryMap } from './registry-map.ts'
import type { RegistryAuthority } from './registry-pki.ts'
import { hasNone, registryStartStep, startRegistry, stopRegistry } from './registry-service.ts'
import { composeRootfs, rootfsStep } from './rootfs.ts'
import { type Sources, sendBlobs } from './send-blobs.ts'
import { type Place, spread } from './spread.ts'

/** A host and what it gets. */
export interface Receiver extends KnownHost {
  /** The image's variant for this host's platform. */
  readonly image: PlatformImage
}

/** What distribution is to do. */
export interface DistributionPlan {
  readonly cluster: string
  readonly receivers: readonly Receiver[]
  /** Every host that serves container images, also one that does not answer now; by itself the masters among the receivers. */
  readonly masters?: readonly HostView[]
  readonly store: ImageStore
  readonly registry: RegistryAccess
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

/** Hosts that use the operator's link at once because no peer could help them. */
const uplinks = 6

/**
 * Steps that bring the image to the hosts: every host its own platform's rootfs, and every master the container images of all platforms
 * that the cluster has, served from where they arrived. Only what a host lacks travels, and the operator's link carries it once: one host gets
 * it from there, and hosts pass it on to hosts (`spread`).
 */
export async function distributionSteps(plan: DistributionPlan): Promise<Distribution> {
  const images = plan.serve ? carriedBy(plan.receivers) : []
  const needs = await needsOf(plan.receivers, images)
  const masters = plan.masters ?? plan.receivers.map(({ view }) => view).filter(isMaster)
  return {
    steps: images.length === 0 ? directSteps(needs, plan) : sharedSteps(needs, images, plan),
    registries: registryMap(plan.cluster, masters, images, plan.registry),
    bytes: new Map(
      needs.map(({ view, rootfs, content }) => [view.name, bytesOf(rootfs.missing) + bytesOf(content.missing)]),
    ),
  }
}

/** Without a registry in the image there is nothing that could pass blobs on. */
function directSteps(needs: readonly HostNeeds[], plan: DistributionPlan): readonly Step[] {
  const { cluster, authority, clock, registry } = plan
  const sources = sourcesFor(plan)
  return needs.flatMap((one) => [
    ...(registry.pullThrough === undefined ? [] : [placeIdentity(one.view, cluster, authority, clock)]),
    receive(one.view, { ...rootfsBlobs(one), sources: sources([]), after: [] }),
    composeRootfs(one.view, cluster, one.image, [rootfsBlobs(one).id]),
  ])
}

function sharedSteps(
  needs: readonly HostNeeds[],
  images: readonly CarriedImage[],
  plan: DistributionPlan,
): readonly Step[] {
  const { cluster, authority, clock, registry } = plan
  const sources = sourcesFor(plan)
  const [first, rootfsPlaces, contentPlaces] = placesOf(needs)
  return needs.flatMap((one) => {
    const { view, image } = one
    const identity = placeIdentity(view, cluster, authority, clock)
    const place = rootfsPlaces.get(one) ?? alone
    const rootfs = receive(view, {
      ...rootfsBlobs(one),
      sources: sources(place.from),
      after: place.from.slice(0, 1).flatMap((peer) => [identity.id, holdsRootfs(peer, one, first)]),
    })
    const steps = [identity, rootfs, composeRootfs(view, cluster, image, [rootfs.id])]
    const lacking = place.to.filter((other) => other.rootfs.missing.length > 0)
    const master = isMaster(view)
    if (!master && place.to.length === 0) return steps
    const idle = master || lacking.length > 0 ? {} : { idle: 'nobody gets blobs from it' }
    const start = startRegistry(view, {
      ...{ cluster, authority, clock, port: registry.port, keepsAuthority: master, ...idle },
      shared: lackedBy(lacking, 'rootfs'),
      after: [identity.id, rootfsStep(view)],
    })
    if (!master) {
      const served = place.to.map((other) => rootfsBlobs(other).id)
      const stop = stopRegistry(view, [start.id, ...served], lacking.length > 0 ? async () => undefined : hasNone(view))
      return [...steps, start, stop]
    }
    const among = contentPlaces.get(one) ?? alone
    const content = receive(view, {
      ...contentBlobs(one),
      sources: sources(among.from),
      after: [rootfs.id, ...among.from.slice(0, 1).flatMap((peer) => [identity.id, registryStep(peer.view)])],
    })
    const elsewhere =
      one === first
        ? lackedBy(
            needs.filter((other) => other.image.rootfs !== image.rootfs),
            'rootfs',
          )
        : []
    const serve = serveImages(view, images, {
      shared: onceEach([...lackedBy(among.to, 'content'), ...elsewhere]),
      after: [start.id, content.id],
    })
    return [...steps, start, content, serve]
  })
}

/** Blobs that belong on a host, and those of them that it lacks. */
interface Need {
  readonly blobs: readonly BlobDescriptor[]
  readonly missing: readonly Missing[]
}

/** What one host is to get. */
interface HostNeeds {
  readonly view: HostView
  readonly image: PlatformImage
  readonly rootfs: Need
  /** Container images, on masters; on the first one also what it passes on to hosts of other platforms. */
  readonly content: Need
}

async function needsOf(receivers: readonly Receiver[], images: readonly CarriedImage[]): Promise<readonly HostNeeds[]> {
  const need = async ({ view, exists }: Receiver, all: readonly BlobDescriptor[]): Promise<Need> => {
    const blobs = onceEach(all)
    return { blobs, missing: exists ? await missingBlobs(view, blobs) : blobs.map((blob) => ({ blob, arrived: 0 })) }
  }
  const needs = await Promise.all(
    receivers.map(async (receiver): Promise<HostNeeds & { receiver: Receiver }> => {
      const { view, image } = receiver
      const rootfs = await need(
        receiver,
        image.layers.map(({ blob }) => blob),
      )
      return {
        receiver,
        view,
        image,
        rootfs,
        content: await need(receiver, isMaster(view) ? blobsToServe(images) : []),
      }
    }),
  )
  const first = inOrder(needs)[0]
  if (first === undefined || images.length === 0) return needs
  const elsewhere = lackedBy(
    needs.filter(({ image }) => image.rootfs !== first.image.rootfs),
    'rootfs',
  )
  if (elsewhere.length === 0) return needs
  const content = await need(first.receiver, [...first.content.blobs, ...elsewhere])
  return needs.map((one) => (one === first ? { ...one, content } : one))
}

/** Who passes blobs on before whom: masters that have all of them, other masters, other hosts. */
function inOrder<N extends HostNeeds>(needs: readonly N[]): readonly N[] {
  const rank = ({ view, rootfs, content }: N): number =>
    isMaster(view) ? (rootfs.missing.length + content.missing.length === 0 ? 0 : 1) : 2
  return needs.toSorted((one, other) => rank(one) - rank(other))
}

type Places = ReadonlyMap<HostNeeds, Place<HostNeeds>>

/** The first host; whom each gets its rootfs from, with the first host in front of every platform's; whom each master gets images from. */
function placesOf(needs: readonly HostNeeds[]): [first: HostNeeds | undefined, rootfs: Places, content: Places] {
  const order = inOrder(needs)
  const [first] = order
  const masters = order.filter(({ view }) => isMaster(view))
  if (first === undefined || masters.length === 0) return [first, new Map(), new Map()]
  const trees = [...new Set(order.map(({ image }) => image.rootfs))].map((rootfs) =>
    spread([first, ...order.filter((one) => one !== first && one.image.rootfs === rootfs)]),
  )
  const places = new Map(trees.flatMap((tree) => [...tree]))
  const to = trees
    .flatMap((tree) => tree.get(first)?.to ?? [])
    .filter(({ image }) => image.rootfs === first.image.rootfs)
  return [first, places.set(first, { from: [], to }), spread(masters)]
}

const alone: Place<HostNeeds> = { from: [], to: [] }

/** Step after which a peer can pass the rootfs of a host on to it. */
const holdsRootfs = (peer: HostNeeds, one: HostNeeds, first: HostNeeds | undefined): string =>
  peer === first && peer.image.rootfs !== one.image.rootfs ? registryStep(peer.view) : registryStartStep(peer.view)

const lackedBy = (needs: readonly HostNeeds[], kind: 'rootfs' | 'content'): readonly BlobDescriptor[] =>
  onceEach(needs.flatMap((one) => one[kind].missing.map(({ blob }) => blob)))

const sourcesFor = ({ cluster, store, registry }: DistributionPlan) => {
  const uplink = new Turns(uplinks)
  return (peers: readonly HostNeeds[]): Sources => ({
    store,
    uplink,
    peers: { cluster, port: registry.port, hosts: peers.map(({ view }) => view) },
  })
}

const rootfsBlobs = ({ view, rootfs }: HostNeeds) => ({
  id: `rootfs-blobs/${view.name}`,
  title: 'Receive the rootfs',
  need: rootfs,
})

const contentBlobs = ({ view, content }: HostNeeds) => ({
  id: `image-blobs/${view.name}`,
  title: 'Receive the container images',
  need: content,
})

interface Delivery {
  readonly id: string
  readonly title: string
  readonly need: Need
  readonly sources: Sources
  readonly after: readonly string[]
}

const receive = (host: HostView, { id, title, need, sources, after }: Delivery): Step => ({
  id,
  title,
  host,
  after,
  bytes: bytesOf(need.missing),
  ...(sources.peers.hosts.length === 0 ? { lane: 'upload' } : {}),
  skip: async () => (need.missing.length === 0 ? 'has every blob' : undefined),
  do: (work) => sendBlobs(work, need.blobs, sources),
})

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
