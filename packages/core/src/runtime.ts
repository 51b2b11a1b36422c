import type { RegistryMap } from './distribution/registry-map.ts'
import type { HostFacts, HostView } from './hosts/host.ts'
import type { Step } from './step.ts'
import type { Wanted } from './wanted.ts'

/** What planning knows of one host. */
export interface KnownHost {
  readonly view: HostView
  /** For a host that does not exist yet: what the infra promises it will be. */
  readonly facts: HostFacts
  /** False for a host that the infra has yet to make: nothing can be asked of it. */
  readonly exists: boolean
}

/** What core has arranged for the runtime before its steps run. */
export interface RuntimeContext {
  readonly wanted: Wanted
  readonly hosts: readonly KnownHost[]
  /** All hosts of the cluster in the wished order, also members that do not answer now and are left alone; by itself `hosts`. */
  readonly members?: readonly HostView[]
  /** Where the rootfs stands on every host, e.g. `/var/lib/sealer/clusters/lab/rootfs`. */
  readonly rootfs: string
  /** How container images reach the hosts: upstream → URLs, CA and client certificate. */
  readonly registries: RegistryMap
  /** Id of the step after which a host has its rootfs. */
  rootfsStep(host: HostView): string
  /** Id of the step after which container images can be pulled from this master. */
  registryStep(master: HostView): string
}

/** Health of one node as the cluster sees it. */
export interface NodeStatus {
  readonly name: string
  readonly ready: boolean
  readonly roles: readonly string[]
  readonly version: string
  /** Why it is not ready. */
  readonly reason?: string
}

export interface ClusterStatus {
  /** `absent`: none of the hosts belongs to a cluster; `broken`: some do, but it does not answer. */
  readonly state: 'absent' | 'ready' | 'degraded' | 'broken'
  readonly version?: string
  readonly nodes: readonly NodeStatus[]
}

/** Where launch commands run: a host with the rootfs, and what they need to reach the cluster as its administrator. */
export interface Launchpad {
  readonly host: HostView
  /** e.g. KUBECONFIG and PATH. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Turns hosts into a cluster. Chosen by `hooks.choose.runtime`. Answers with steps, so that a dry run is the plan; asks hosts, never changes
 * them outside a step. Every implementation passes `runtimeContract` of `@sealer/core/testing`.
 */
export interface Runtime {
  readonly name: string
  /** Whether container images reach it from the hosts' own registries, or from a registry that it is given. */
  readonly delivery: 'hosts' | 'registry'
  /** Steps from hosts that have their rootfs to a cluster that is ready for apps; on hosts that are joined already they skip themselves. */
  install(context: RuntimeContext): readonly Step[]
  /** Steps that take the cluster off these hosts and leave them as they were found. */
  remove(context: RuntimeContext): readonly Step[]
  /** What the cluster says of itself now. Only asks; a host that does not answer is not an error here. */
  status(hosts: readonly HostView[]): Promise<ClusterStatus>
  /** Where apps are launched from; absent when this runtime cannot launch any. Asked when the launch steps are planned. */
  launchpad?(hosts: readonly HostView[]): Launchpad
  /** The administrator's kubeconfig, for an address that the operator reaches. */
  kubeconfig?(hosts: readonly HostView[]): Promise<string>
  /** TCP ports that must be free on a host of this role before the first install. */
  readonly ports?: { readonly master: readonly number[]; readonly node: readonly number[] }
  /** Paths whose presence means that another cluster lives on the host, unless it is this one. */
  readonly traces?: readonly string[]
  /** Whether it does not start on a host that swaps. */
  readonly needsSwapOff?: boolean
}
