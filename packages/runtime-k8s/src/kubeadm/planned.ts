import type { KnownHost } from '@sealer/core'
import { errors } from '../errors.ts'
import type { Site } from '../site.ts'
import { type ClusterFacts, type ConfigKind, configDocument, minorOf } from './documents.ts'
import { checkSubnets, type Taken } from './subnets.ts'
import { taintsOf } from './taints.ts'
import { valueAt } from './trees.ts'

/** What all configuration of this cluster depends on. */
export function clusterFacts(site: Site, version?: string): ClusterFacts {
  const facts = site.context.hosts.map((host) => host.facts)
  return {
    ...(version === undefined ? {} : { version }),
    masters: site.all.masters.map(({ name, address }) => ({ name, address })),
    systemdCgroups: site.first.facts.systemdCgroups,
    cgroupV1: facts.some(({ cgroup }) => cgroup === 1),
    conntrackSysctls: facts.every(({ writableSysctls }) => writableSysctls),
    env: site.context.wanted.env,
  }
}

const kinds: readonly ConfigKind[] = [
  'ClusterConfiguration',
  'InitConfiguration',
  'JoinConfiguration',
  'KubeletConfiguration',
  'KubeProxyConfiguration',
]

/**
 * Refuses, before anything is changed, what could only fail later.
 * @throws CONFIG_CONTRADICTS, CONFIG_RESERVED, PREFLIGHT_WHOLESALE, SUBNETS_OVERLAP, SUBNET_INVALID, TAINT_INVALID
 */
export function checkWishes(site: Site): void {
  for (const kind of kinds) configDocument(kind, { image: [], user: site.context.wanted.documents }, clusterFacts(site))
  for (const { view } of site.context.hosts) taintsOf(view.spec)
  checkPlannedSubnets(
    site,
    site.context.hosts.map(({ view }) => ({ host: view.name, address: view.address })),
  )
}

/** @throws SUBNETS_OVERLAP, SUBNET_INVALID */
export function checkPlannedSubnets(site: Site, taken: readonly Taken[]): void {
  const { podSubnet, serviceSubnet } = plannedSubnets(site)
  checkSubnets({ 'networking.podSubnet': podSubnet, 'networking.serviceSubnet': serviceSubnet }, taken)
}

/** The networks of pods and Services, as far as the Clusterfile and the defaults say. */
export function plannedSubnets(site: Site): { readonly podSubnet: string; readonly serviceSubnet: string } {
  const cluster = configDocument(
    'ClusterConfiguration',
    { image: [], user: site.context.wanted.documents },
    clusterFacts(site),
  )
  return {
    podSubnet: String(valueAt(cluster, 'networking.podSubnet')),
    serviceSubnet: String(valueAt(cluster, 'networking.serviceSubnet')),
  }
}

/** Label of an image whose pod network is made for one subnet. */
const podSubnetLabel = 'io.sealer.kubernetes.pod-subnet'

/** Pods that get addresses which their network does not know would reach nobody. @throws POD_SUBNET_FIXED */
export async function checkPodNetwork(site: Site, host: KnownHost): Promise<void> {
  const { image } = site.context.wanted
  const { labels } = await image.config(host.facts.platform)
  const made = labels[podSubnetLabel] ?? ''
  const wanted = plannedSubnets(site).podSubnet
  if (made !== '' && made !== wanted) throw errors.POD_SUBNET_FIXED({ image: image.reference, made, wanted })
}

/** What the image says of its version, against what the Clusterfile says. @throws VERSION_UNSUPPORTED, CONFIG_CONTRADICTS */
export async function checkVersion(site: Site, host: KnownHost): Promise<void> {
  const { runtime } = await site.context.wanted.image.config(host.facts.platform)
  if (runtime.version === undefined) return
  const version = runtime.version.startsWith('v') ? runtime.version : `v${runtime.version}`
  if (minorOf(version) < 31) throw errors.VERSION_UNSUPPORTED({ version })
  configDocument(
    'ClusterConfiguration',
    { image: [], user: site.context.wanted.documents },
    clusterFacts(site, version),
  )
}
