import type { HostSpec, Infra, InfraHost, Step, Wanted } from '@sealer/core'
import { errors } from './errors.ts'

/** Hosts that are there already: named by the user, reached over SSH, never made and never given back. */
export class BaremetalInfra implements Infra {
  readonly name = 'baremetal'

  async observe({ hosts, infraOptions }: Wanted): Promise<readonly InfraHost[]> {
    const [option] = Object.keys(infraOptions)
    if (option !== undefined) throw errors.BAREMETAL_OPTION_UNKNOWN({ option })
    if (hosts.length === 0) throw errors.BAREMETAL_HOSTS_NEEDED()
    if (!hosts.some(({ roles }) => roles.includes('master'))) throw errors.BAREMETAL_MASTER_NEEDED()
    refuseTwice('name', hosts, ({ name }) => name)
    refuseTwice('address', hosts, placeOf)
    return hosts.map((spec) => ({ spec, state: 'running' }))
  }

  steps(): readonly Step[] {
    return []
  }

  release(): readonly Step[] {
    return []
  }
}

/** Behind one address there may be several hosts, each on a port of its own. */
const placeOf = ({ address, ssh }: HostSpec): string =>
  ssh === undefined || ssh.port === 22 ? address : `${address} port ${ssh.port}`

function refuseTwice(what: string, hosts: readonly HostSpec[], shared: (host: HostSpec) => string): void {
  const seen = new Set<string>()
  for (const value of hosts.map(shared)) {
    if (seen.has(value)) throw errors.BAREMETAL_HOST_TWICE({ what, value })
    seen.add(value)
  }
}
