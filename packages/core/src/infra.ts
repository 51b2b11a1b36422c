import type { Duplex } from 'node:stream'
import type { Dial, HostFacts, HostSpec } from './hosts/host.ts'
import type { Step } from './step.ts'
import type { Wanted } from './wanted.ts'

/** A host as the infra sees it. */
export interface InfraHost {
  readonly spec: HostSpec
  /** `absent`: `steps` will make it; `stopped`: `steps` will start it. */
  readonly state: 'running' | 'stopped' | 'absent'
  /** What a host that is not running will be. Required then, so that the rest can be planned. */
  readonly expected?: HostFacts
}

/** An open way from hosts to this process; disposing of it closes it. */
export interface Inlet extends AsyncDisposable {
  /** As the hosts see it. */
  readonly address: string
  /** TCP. */
  readonly port: number
}

/**
 * Supplies hosts. Chosen by `hooks.choose.infra`. Observes, and answers with steps towards what is wanted.
 * Every implementation passes `infraContract` of `@sealer/core/testing`.
 */
export interface Infra {
  readonly name: string
  /** The hosts of this cluster, wanted ones that are absent included. Only asks. @throws errors of the plugin when the wish cannot be met */
  observe(wanted: Wanted, signal: AbortSignal): Promise<readonly InfraHost[]>
  /** Steps that make or start what is missing. The step after which a host is reachable is `host/NAME`. */
  steps(wanted: Wanted, observed: readonly InfraHost[]): readonly Step[]
  /** Steps that give the hosts back after the cluster is gone from them. Hosts that were given stay: no steps. */
  release(cluster: string, observed: readonly InfraHost[]): readonly Step[]
  /**
   * A way from the hosts of a cluster to this process, for hosts that have no other way out: what they connect to at the address of the
   * inlet arrives at `accept`. Offered only by an infra whose hosts reach nothing but each other; they have to be there already.
   */
  inlet?(cluster: string, accept: (connection: Duplex) => void, signal: AbortSignal): Promise<Inlet>
  /** How to reach hosts that are not on this machine's network; absent: TCP. */
  readonly dial?: Dial
  /** What else can be found about a host from outside, e.g. its console, for an error report. */
  logs?(host: HostSpec): Promise<string | undefined>
}
