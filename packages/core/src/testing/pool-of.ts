import type { Host, HostPool } from '../hosts/host.ts'

/** A pool of hosts that are there already; closes nothing. */
export function poolOf(hosts: readonly Host[]): HostPool {
  const find = ({ name }: { readonly name: string }): Host => {
    const host = hosts.find((one) => one.name === name)
    if (host === undefined) throw new Error(`No host named ${name} in this test.`)
    return host
  }
  return { view: find, host: find, [Symbol.asyncDispose]: async () => {} }
}
