import { isMaster } from '../distribution/distribution.ts'
import { clusterPaths } from '../distribution/paths.ts'
import { SealerError } from '../errors.ts'
import type { HostPool, HostView } from '../hosts/host.ts'
import type { Acquaintance } from './known-hosts.ts'

/**
 * Hosts that do not answer although the cluster counts them as its own, by the record that a control plane which answers keeps: the cluster
 * lives on without them, and so does a run on it. A host that refuses a login or has another key is no such host.
 */
export async function silentMembers(
  cluster: string,
  { known, failures }: Acquaintance,
  pool: HostPool,
): Promise<readonly HostView[]> {
  const silent = failures.filter(({ error }) => SealerError.is(error) && error.code === 'HOST_UNREACHABLE')
  if (silent.length === 0) return []
  const masters = known.filter(({ view, exists }) => exists && isMaster(view)).map(({ view }) => view)
  const records = await Promise.all(masters.map(async (master) => await master.read(clusterPaths(cluster).record)))
  const members = records.flatMap((text) => (text === undefined ? [] : recordedHosts(text)))
  return silent.flatMap(({ host }) => {
    const member = members.find(({ address }) => address === host.address)
    return member === undefined ? [] : [pool.view({ ...host.spec, name: member.name })]
  })
}

const recordedHosts = (text: string) =>
  (JSON.parse(text) as { hosts: readonly { readonly name: string; readonly address: string }[] }).hosts

/** Views in the order of the infra's hosts. */
export function inOrder(
  specs: readonly { readonly address: string; readonly ssh?: { readonly port: number } }[],
  views: readonly HostView[],
): readonly HostView[] {
  return specs.flatMap((spec) =>
    views.filter(({ spec: own }) => own.address === spec.address && own.ssh?.port === spec.ssh?.port),
  )
}
