import type { Host, HostView, KnownHost } from '@sealer/core'
import { errors } from '../errors.ts'
import type { Site } from '../site.ts'
import { isMaster, takesWorkloads } from '../site.ts'
import {
  type ClusterFacts,
  type ConfigKind,
  type ConfigSources,
  cgroupDriver,
  configDocument,
  minorOf,
} from './documents.ts'
import { fragmentsOf } from './fragments.ts'
import { kubeadmAnswer } from './kubeadm.ts'
import { clusterFacts } from './planned.ts'
import { controlPlaneTaint, taintsOf } from './taints.ts'
import { type Tree, valueAt } from './trees.ts'

/** The configuration of this cluster, with what only the image on a host knows. */
export interface Config {
  readonly facts: ClusterFacts & { readonly version: string }
  document(kind: ConfigKind, ofThisHost?: Tree): Tree
}

/** Reads the image's part from a host that has the rootfs. @throws VERSION_UNSUPPORTED, CONFIG_UNREADABLE */
export async function loadConfig(host: Host, site: Site): Promise<Config> {
  const version = await kubeadmAnswer(host, site, 'version', '-o', 'short')
  if (minorOf(version) < 31) throw errors.VERSION_UNSUPPORTED({ version })
  const sources = await sourcesOn(host, site)
  const facts = { ...clusterFacts(site, version), version }
  return { facts, document: (kind, ofThisHost) => configDocument(kind, sources, facts, ofThisHost) }
}

async function sourcesOn(view: HostView, site: Site): Promise<ConfigSources> {
  const text = await view.read(`${site.context.rootfs}/etc/kubeadm.yml`)
  return { image: fragmentsOf(text ?? '', 'etc/kubeadm.yml'), user: site.context.wanted.documents }
}

/** Which of kubeadm's own addons this cluster has; a ClusterConfiguration may leave them out (`proxy.disabled`, `dns.disabled`). */
export async function wantedAddons(
  view: HostView,
  site: Site,
): Promise<{ readonly proxy: boolean; readonly dns: boolean }> {
  const cluster = configDocument('ClusterConfiguration', await sourcesOn(view, site), clusterFacts(site))
  return { proxy: valueAt(cluster, 'proxy.disabled') !== true, dns: valueAt(cluster, 'dns.disabled') !== true }
}

/** The field `nodeRegistration` for a host: its name, its taints, and where it differs from the first master. */
export function nodeRegistration(host: KnownHost, site: Site, facts: Config['facts']): Tree {
  const own = taintsOf(host.view.spec)
  const differs = host.facts.systemdCgroups !== facts.systemdCgroups
  return {
    name: host.view.name,
    taints: takesWorkloads(host, site) || !isMaster(host) ? own : [controlPlaneTaint, ...own],
    kubeletExtraArgs: [
      { name: 'node-ip', value: host.view.address },
      ...(differs ? [{ name: 'cgroup-driver', value: cgroupDriver(host.facts) }] : []),
    ],
    ...(refusesCgroup(host, facts) ? { ignorePreflightErrors: ['SystemVerification'] } : {}),
  }
}

/** From 1.35 on kubeadm's check SystemVerification fails on cgroup v1, which kubelet takes when it is told to. */
export const refusesCgroup = (host: KnownHost, { version }: { readonly version: string }): boolean =>
  host.facts.cgroup === 1 && minorOf(version) >= 35

/** The line that says so to whoever watches. */
export const cgroupNotice = (host: KnownHost, version: string): string =>
  `Preflight check SystemVerification is left out on ${host.view.name}: it has cgroup v1, which Kubernetes ${version} takes on request only.`
