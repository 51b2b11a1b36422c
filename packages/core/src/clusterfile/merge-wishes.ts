import type { Wish, WishedHost } from '../wish.ts'
import { clusterfileErrors } from './errors.ts'

/**
 * One wish of two: what the strong one leaves open, the weak one says. Maps (`env`, `ssh`, options) merge by name, hosts of the strong are
 * added to those of the weak, lists (`apps`, `cmds`) are replaced as a whole.
 * @throws HOST_TWICE
 */
export function mergeWishes(strong: Wish, weak: Wish): Wish {
  const hosts = [...(weak.hosts ?? []), ...(strong.hosts ?? [])]
  refuseTwice(hosts)
  return {
    ...weak,
    ...strong,
    ...together('ssh', strong, weak),
    ...together('env', strong, weak),
    ...together('registry', strong, weak),
    ...together('runtimeOptions', strong, weak),
    ...together('infraOptions', strong, weak),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...joined('documents', strong, weak),
    ...joined('hostAliases', strong, weak),
    ...joined('plugins', strong, weak),
  }
}

function together<Name extends 'ssh' | 'env' | 'registry' | 'runtimeOptions' | 'infraOptions'>(
  name: Name,
  strong: Wish,
  weak: Wish,
): Pick<Wish, Name> | object {
  return strong[name] === undefined && weak[name] === undefined ? {} : { [name]: { ...weak[name], ...strong[name] } }
}

function joined<Name extends 'documents' | 'hostAliases' | 'plugins'>(
  name: Name,
  strong: Wish,
  weak: Wish,
): Pick<Wish, Name> | object {
  return strong[name] === undefined && weak[name] === undefined
    ? {}
    : { [name]: [...(weak[name] ?? []), ...(strong[name] ?? [])] }
}

/** @throws HOST_TWICE */
export function refuseTwice(hosts: readonly WishedHost[]): void {
  const seen = new Set<string>()
  for (const { address } of hosts) {
    if (seen.has(address)) throw clusterfileErrors.HOST_TWICE({ address })
    seen.add(address)
  }
}
