import { errors } from './errors.ts'
import { addressOf } from './network.ts'
import type { HostState } from './state.ts'

/** Which hosts a cluster is to have. Hosts that it has beyond these stay. */
export interface LocalWish {
  /** At most 40 small letters, digits and dashes. */
  readonly cluster: string
  readonly masters: number
  readonly nodes: number
  /** Disks in memory: much faster for etcd, gone after a reboot of the machine. Decided when the cluster is made. */
  readonly memoryDisks?: boolean
  /** Limit of each new host's disk, in bytes; the disk is in memory then. */
  readonly diskBytes?: number
  /** Third number of its network, 198.18.N.0/24; a free one when nothing is said. */
  readonly network?: number
  /** Root's password on new hosts. For tests of password login: without it only the key opens. */
  readonly password?: string
}

/** `lab-m1`, `lab-m2`, `lab-n1`: masters first. @throws LOCAL_NAME_INVALID */
export function hostNames({ cluster, masters, nodes }: LocalWish): readonly Pick<HostState, 'name' | 'role'>[] {
  checkName(cluster)
  if (masters + nodes > 240)
    throw errors.LOCAL_NAME_INVALID({ name: cluster, reason: 'it would have more than 240 hosts' })
  const named = (role: HostState['role'], letter: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `${cluster}-${letter}${index + 1}`, role }))
  return [...named('master', 'm', masters), ...named('node', 'n', nodes)]
}

/** The hosts there are, and those that the wish adds, each with a free address. */
export function withWished(hosts: readonly HostState[], network: number, wish: LocalWish): readonly HostState[] {
  const result = [...hosts]
  for (const { name, role } of hostNames(wish)) {
    if (result.some((host) => host.name === name)) continue
    const index = freeIndex(result, network)
    result.push({
      name,
      role,
      address: addressOf(network, index),
      link: `h${index}`,
      ...(wish.diskBytes === undefined ? {} : { diskBytes: wish.diskBytes }),
      ...(wish.password === undefined ? {} : { password: wish.password }),
    })
  }
  return result
}

function freeIndex(hosts: readonly HostState[], network: number): number {
  const used = new Set(hosts.map(({ address }) => address))
  let index = 1
  while (used.has(addressOf(network, index))) index += 1
  return index
}

/** Names become files, namespaces and host names. @throws LOCAL_NAME_INVALID */
function checkName(name: string): void {
  if (name.length > 40) throw errors.LOCAL_NAME_INVALID({ name, reason: 'it is longer than 40 characters' })
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    throw errors.LOCAL_NAME_INVALID({ name, reason: 'it is not made of small letters, digits and inner dashes' })
  }
}
