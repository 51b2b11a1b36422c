import { readFile, statfs } from 'node:fs/promises'
import { arch, cpus, release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Dial, HostFacts, HostSpec, Infra, InfraHost, Inlet, Step, Wanted } from '@sealer/core'
import { isUnified } from './cgroups.ts'
import { memoryDisksSize } from './disk.ts'
import { errors } from './errors.ts'
import type { LocalClusters, LocalHost } from './local-clusters.ts'
import { distribution } from './root.ts'
import { hostNames, type LocalWish } from './wish.ts'

/** Hosts as systemd-nspawn machines on this Linux machine. */
export class LocalInfra implements Infra {
  readonly name = 'local'
  readonly dial: Dial
  readonly #clusters: LocalClusters

  constructor(clusters: LocalClusters) {
    this.#clusters = clusters
    this.dial = (address, port, signal) => clusters.dial(address, port, signal)
  }

  async observe(wanted: Wanted): Promise<readonly InfraHost[]> {
    const expected = await expectedFacts(this.#clusters.privateKey, wishOf(wanted))
    return (await wantedHosts(wanted, this.#clusters)).map((host): InfraHost => {
      const spec = this.#spec(host)
      const state = host.state === 'partitioned' ? 'running' : host.state
      return state === 'running' ? { spec, state } : { spec, state, expected: expected(host) }
    })
  }

  steps(wanted: Wanted, observed: readonly InfraHost[]): readonly Step[] {
    const missing = observed.filter(({ state }) => state !== 'running')
    if (missing.length === 0) return []
    const network = networkOf(missing[0]?.spec.address)
    const wish = { ...wishOf(wanted), ...(network === undefined ? {} : { network }) }
    return [
      {
        id: 'host-root',
        title: 'Build the root file system of local hosts',
        after: [],
        do: async ({ signal }) => await this.#clusters.prepareRoot(signal, wish),
      },
      {
        id: 'host-network',
        title: 'Make the network of local hosts',
        after: ['host-root'],
        do: async ({ signal }) => void (await this.#clusters.prepare(wish, signal)),
      },
      ...missing.map(
        ({ spec, state }): Step => ({
          id: `host/${spec.name}`,
          title: `${state === 'absent' ? 'Make' : 'Start'} the local host ${spec.name}`,
          after: ['host-network'],
          do: async ({ signal }) => await this.#clusters.startHost(wanted.cluster, spec.name, signal),
        }),
      ),
    ]
  }

  release(cluster: string, observed: readonly InfraHost[]): readonly Step[] {
    const hosts = observed.filter(({ state }) => state !== 'absent')
    return [
      ...hosts.map(
        ({ spec }): Step => ({
          id: `release/${spec.name}`,
          title: `Delete the local host ${spec.name}`,
          after: [],
          do: async () => await this.#clusters.deleteHost(cluster, spec.name),
        }),
      ),
      {
        id: 'release/network',
        title: 'Delete the network of local hosts',
        after: hosts.map(({ spec }) => `release/${spec.name}`),
        do: async () => await this.#clusters.delete(cluster),
      },
    ]
  }

  async inlet(cluster: string, accept: (connection: Duplex) => void, signal: AbortSignal): Promise<Inlet> {
    return await this.#clusters.inlet(cluster, accept, signal)
  }

  async logs(host: HostSpec): Promise<string | undefined> {
    return await this.#clusters.console(host.name).catch(() => undefined)
  }

  #spec({ name, address, role }: WantedHost): HostSpec {
    return { name, address, roles: [role], ssh: { user: 'root', port: 22, privateKey: this.#clusters.privateKey } }
  }
}

type WantedHost = Omit<LocalHost, 'state'> & { readonly state: LocalHost['state'] | 'absent' }

/** Hosts that are missing will be made; no wish at all means those that are there. */
async function wantedHosts(wanted: Wanted, clusters: LocalClusters): Promise<readonly WantedHost[]> {
  const known = (await clusters.list()).find(({ cluster }) => cluster === wanted.cluster)?.hosts ?? []
  const wish = wishOf(wanted)
  if (wanted.hosts.length + wish.masters + wish.nodes === 0) return known
  const names = new Set(hostNames(wish).map(({ name }) => name))
  const future = (await clusters.foresee(wish))
    .filter(({ name }) => names.has(name))
    .map((host): WantedHost => known.find(({ name }) => name === host.name) ?? { ...host, state: 'absent' })
  if (wanted.hosts.length === 0) return future
  return wanted.hosts.map((spec) => {
    const host = future.find(({ name, address }) => name === spec.name || address === spec.address)
    if (host === undefined) throw errors.LOCAL_HOSTS_UNKNOWN({ address: spec.address, cluster: wanted.cluster })
    return host
  })
}

/** Hosts are wished by number, or by the names that numbers give them: so a recorded cluster finds its own again. */
function wishOf({ cluster, counts, hosts, infraOptions }: Wanted): LocalWish {
  const highest = (letter: string) => Math.max(0, ...hosts.map(({ name }) => indexIn(name, `${cluster}-${letter}`)))
  const network = networkOf(hosts[0]?.address)
  return {
    cluster,
    masters: hosts.length === 0 ? counts.masters : highest('m'),
    nodes: hosts.length === 0 ? counts.nodes : highest('n'),
    ...(network === undefined ? {} : { network }),
    ...localOptions(infraOptions),
  }
}

const indexIn = (name: string, stem: string): number =>
  name.startsWith(stem) && /^[1-9]\d{0,2}$/.test(name.slice(stem.length)) ? Number(name.slice(stem.length)) : 0

/** The network that a plan speaks of: another one would make the plan untrue. */
function networkOf(address = ''): number | undefined {
  const network = /^198\.18\.(\d{1,3})\.\d{1,3}$/.exec(address)?.[1]
  return network === undefined ? undefined : Number(network)
}

/** @throws LOCAL_OPTION_INVALID */
function localOptions(options: Wanted['infraOptions']): Pick<LocalWish, 'memoryDisks' | 'diskBytes'> {
  for (const [option, value] of Object.entries(options)) {
    if (option === 'memoryDisks' ? typeof value === 'boolean' : option === 'diskBytes' && Number.isSafeInteger(value))
      continue
    const known = option === 'memoryDisks' || option === 'diskBytes'
    throw errors.LOCAL_OPTION_INVALID({
      option,
      reason: known ? `${JSON.stringify(value)} does not fit` : 'there is no such option',
    })
  }
  return options
}

/** What a host on this machine will say of itself. */
async function expectedFacts(folder: string, wish: LocalWish): Promise<(host: WantedHost) => HostFacts> {
  const [system, status, swaps, mounts, free] = await Promise.all([
    distribution(),
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/swaps', 'utf8'),
    readFile('/proc/self/mounts', 'utf8'),
    freeBytes(folder),
  ])
  const capabilities = BigInt(`0x${/^CapBnd:\s*(\w+)$/m.exec(status)?.[1] ?? '0'}`)
  return ({ name, address }) => ({
    platform: { os: 'linux', architecture: arch() === 'x64' ? 'amd64' : arch() },
    os: { id: system.id, version: system.version, name: system.name },
    kernel: release(),
    hostname: name,
    machineId: '', // made at its first boot
    cpus: cpus().length,
    memoryBytes: totalmem(),
    swap: swaps.trim().split('\n').length > 1,
    cgroup: isUnified(mounts) ? 2 : 1,
    systemdCgroups: isUnified(mounts), // with v1 it holds its own hierarchy alone
    oomScoreAdj: (capabilities & capSysResource) !== 0n,
    writableSysctls: false,
    diskFreeBytes: wish.diskBytes ?? (wish.memoryDisks === true ? memoryDisksSize() : free),
    listening: [22],
    clockSkewMs: 0,
    addresses: [address],
  })
}

/** CAP_SYS_RESOURCE, see capabilities(7). */
const capSysResource = 1n << 24n

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return await freeBytes(dirname(folder))
  }
}
