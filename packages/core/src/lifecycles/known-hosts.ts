import pMap from 'p-map'
import { FutureHost } from '../hosts/future-host.ts'
import type { HostPool, HostView } from '../hosts/host.ts'
import type { InfraHost } from '../infra.ts'
import type { KnownHost } from '../runtime.ts'

/** What could be learnt of the hosts, and of which nothing could. */
export interface Acquaintance {
  readonly known: readonly KnownHost[]
  readonly failures: readonly { readonly host: HostView; readonly error: Error }[]
}

/**
 * Asks every running host for its facts, a few at a time; waits for all. A host without a name of its own is called by its hostname, as
 * its node would be.
 */
export async function meetHosts(observed: readonly InfraHost[], pool: HostPool): Promise<Acquaintance> {
  const met = await pMap(observed, (host) => meet(host, pool), { concurrency: 16 })
  return {
    known: met.flatMap((one) => ('facts' in one ? [one] : [])),
    failures: met.flatMap((one) => ('error' in one ? [one] : [])),
  }
}

async function meet(
  { spec, state, expected }: InfraHost,
  pool: HostPool,
): Promise<KnownHost | Acquaintance['failures'][number]> {
  if (state !== 'running') {
    if (expected === undefined) throw new Error(`the infra says nothing of what ${spec.name} will be`)
    return { view: new FutureHost(spec, expected, () => pool.view(spec)), facts: expected, exists: false }
  }
  const host = pool.view(spec)
  try {
    const facts = await host.facts()
    const view =
      spec.name === spec.address && facts.hostname !== '' ? pool.view({ ...spec, name: facts.hostname }) : host
    return { view, facts, exists: true }
  } catch (error) {
    return { host, error: error instanceof Error ? error : new Error(String(error)) }
  }
}
