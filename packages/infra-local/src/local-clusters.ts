import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import type { Inlet } from '@sealer/core'
import { claim, freeNetwork, ownerOf } from './claims.ts'
import { clearCluster, clearLeftovers, tidyHome } from './clear-cluster.ts'
import { Connector } from './connector.ts'
import { makeMemoryDisks } from './disk.ts'
import { errors } from './errors.ts'
import { checkFitness } from './fitness.ts'
import { initOf, runningInits } from './inits.ts'
import { openInlet } from './inlet.ts'
import { ensureKey } from './key.ts'
import { clusterPlaces, hostPlaces, keyFile, type LocalPlaces } from './layout.ts'
import { withLock } from './lock.ts'
import { Machine } from './machine.ts'
import { gatewayOf, linksDown, makeNetwork, setLink, split } from './network.ts'
import { openRelay, stopRelay } from './relay.ts'
import { ensureRoot, hasRoot, rootFolder } from './root.ts'
import { type Streams, spawnInNetwork, spawnOnHost } from './spawn-inside.ts'
import { type ClusterState, clusterNames, type ExposedPort, type HostState, readState, writeState } from './state.ts'
import { waitForSshd } from './wait-for-sshd.ts'
import { type LocalWish, withWished } from './wish.ts'

/** A local host as it is now. */
export interface LocalHost {
  readonly name: string
  readonly role: 'master' | 'node'
  readonly address: string
  /** `partitioned`: it runs, and its link is cut. */
  readonly state: 'running' | 'partitioned' | 'stopped'
}

/** A local cluster as it is now. One without hosts is what an interrupted create or delete has left: delete it. */
export interface LocalCluster {
  readonly cluster: string
  /** e.g. `198.18.1.0/24` */
  readonly network: string
  readonly memoryDisks: boolean
  readonly hosts: readonly LocalHost[]
  readonly exposed: readonly ExposedPort[]
}

/**
 * The local hosts of one home: machines of systemd-nspawn in network namespaces of this Linux machine. They run as its root,
 * which makes them no boundary against what runs in them.
 */
export class LocalClusters implements Disposable {
  /** Private key for root on every host. */
  readonly privateKey: string
  readonly #places: LocalPlaces
  readonly #connectors = new Map<string, Connector>()

  constructor(places: LocalPlaces) {
    this.#places = places
    this.privateKey = keyFile(places.home)
  }

  /** Ends the helper processes of `dial`. Hosts run on. */
  [Symbol.dispose](): void {
    for (const connector of this.#connectors.values()) connector[Symbol.dispose]()
    this.#connectors.clear()
  }

  /** Makes the hosts of a wish that are missing, starts those that are stopped, and waits until all answer. Safe to repeat. */
  async create(wish: LocalWish, signal?: AbortSignal): Promise<LocalCluster> {
    await this.prepareRoot(signal, wish)
    const state = await this.prepare(wish, signal)
    await this.#startAll(state, state.hosts, signal)
    return await this.get(wish.cluster)
  }

  /** Builds the root file system that all hosts share, unless it is there. @throws LOCAL_MACHINE_UNFIT with all that lacks */
  async prepareRoot(signal?: AbortSignal, wish?: LocalWish): Promise<void> {
    await checkFitness(this.#places, wish === undefined ? 0 : await this.#starting(wish))
    await ensureRoot(this.#places.cache, signal)
  }

  /** The hosts that a cluster would have after `create`, with their addresses. Changes nothing. */
  async foresee(wish: LocalWish): Promise<readonly HostState[]> {
    const known = await readState(this.#places.home, wish.cluster)
    const network = known?.network ?? wish.network ?? (await freeNetwork(this.#places.home, wish.cluster))
    return withWished(known?.hosts ?? [], network, wish)
  }

  /** Writes down the hosts of a wish and makes their network; starts none. */
  async prepare(wish: LocalWish, signal?: AbortSignal): Promise<ClusterState> {
    const { home, cache } = this.#places
    const root = await ensureRoot(cache, signal)
    return await withLock(
      wish.cluster,
      async () => {
        const known = await readState(home, wish.cluster)
        const network = await claim(home, wish.cluster, known?.network ?? wish.network, signal)
        if (known === undefined) await clearLeftovers(home, wish.cluster) // of a create that died
        const state: ClusterState = {
          ...(known ?? {
            version: 1,
            cluster: wish.cluster,
            network,
            root,
            memoryDisks: wish.memoryDisks ?? false,
            exposed: [],
          }),
          hosts: withWished(known?.hosts ?? [], network, wish),
        }
        await writeState(home, state)
        await this.#raise(state)
        return state
      },
      signal,
    )
  }

  /** All clusters of this home, as the kernel shows them now. */
  async list(): Promise<readonly LocalCluster[]> {
    return await Promise.all((await clusterNames(this.#places.home)).map((name) => this.get(name)))
  }

  /** @throws LOCAL_NOT_FOUND */
  async get(cluster: string): Promise<LocalCluster> {
    const { home } = this.#places
    const state = await readState(home, cluster)
    if (state === undefined) {
      if (!existsSync(clusterPlaces(home, cluster).folder)) throw await this.#notFound(cluster)
      return { cluster, network: '', memoryDisks: false, hosts: [], exposed: [] }
    }
    const down = await linksDown(clusterPlaces(home, cluster).namespace)
    const inits = runningInits()
    const hosts = state.hosts.map(({ name, role, address, link }): LocalHost => {
      const runs = initOf(hostPlaces(home, cluster, name).namespace, inits) !== undefined
      return { name, role, address, state: !runs ? 'stopped' : down.has(link) ? 'partitioned' : 'running' }
    })
    const { network, memoryDisks, exposed } = state
    return { cluster, network: `198.18.${network}.0/24`, memoryDisks, hosts, exposed }
  }

  /** Starts a cluster or one host, with the disks they had, and waits until they answer. Also after a reboot of the machine. */
  async start(name: string, signal?: AbortSignal): Promise<void> {
    const { state, hosts } = await this.#find(name)
    await checkFitness(this.#places, this.#stopped(state.cluster, hosts).length)
    await this.#startAll(state, hosts, signal)
  }

  /** Powers a cluster or one host off cleanly. */
  async stop(name: string): Promise<void> {
    await this.#each(name, async (machine) => await machine.stop())
  }

  /** Takes the power from a cluster or one host. */
  async kill(name: string): Promise<void> {
    await this.#each(name, async (machine) => await machine.kill())
  }

  /** Takes the power from a cluster or one host and gives it back. */
  async reboot(name: string, signal?: AbortSignal): Promise<void> {
    await this.kill(name)
    await this.start(name, signal)
  }

  /** Cuts a host off: it runs on and reaches nobody. A restart of the host heals it. */
  async partition(name: string): Promise<void> {
    await this.#links(name, 'down')
  }

  async heal(name: string): Promise<void> {
    await this.#links(name, 'up')
  }

  /** Drops everything between these pairs of hosts of a cluster; an empty list lets all through again. */
  async split(cluster: string, pairs: readonly (readonly [string, string])[]): Promise<void> {
    const { state } = await this.#find(cluster)
    const linkOf = (name: string) => this.#hostIn(state, name).link
    await split(
      clusterPlaces(this.#places.home, state.cluster).namespace,
      pairs.map(([one, other]) => [linkOf(one), linkOf(other)] as const),
    )
  }

  /** Takes a cluster away, with its disks; also what an interrupted create or delete has left. Safe to repeat. */
  async delete(cluster: string): Promise<void> {
    const { home } = this.#places
    const owner = await ownerOf(cluster)
    if (owner !== undefined && owner !== home) throw errors.LOCAL_NAME_TAKEN({ cluster, home: owner })
    this.#connectors.get(cluster)?.[Symbol.dispose]()
    this.#connectors.delete(cluster)
    await withLock(cluster, async () => await clearCluster(home, cluster))
    await tidyHome(home)
  }

  /** Takes one host away, with its disk. Safe to repeat. */
  async deleteHost(cluster: string, name: string): Promise<void> {
    await withLock(cluster, async () => {
      const state = await readState(this.#places.home, cluster)
      const host = state?.hosts.find((one) => one.name === name)
      if (state === undefined || host === undefined) return
      await new Machine(this.#places.home, cluster, host).delete()
      await writeState(this.#places.home, { ...state, hosts: state.hosts.filter((one) => one !== host) })
    })
  }

  /**
   * Runs a program of this machine inside a cluster's network (NAME is a cluster: ssh, curl), or a program of a host inside the host
   * (NAME is a host). Standard streams are this process's own. Gives the exit code.
   */
  async exec(name: string, argv: readonly string[]): Promise<number> {
    const child = await this.spawn(name, argv)
    return await new Promise((ended, failed) => {
      child.once('error', failed)
      child.once('exit', (code, by) => ended(code ?? (by === 'SIGINT' ? 130 : 143)))
    })
  }

  /** As `exec`, with streams of the caller's choice. */
  async spawn(name: string, argv: readonly string[], stdio: Streams = 'inherit'): Promise<ChildProcess> {
    const { state, hosts } = await this.#find(name)
    const { home } = this.#places
    if (name === state.cluster) return spawnInNetwork(clusterPlaces(home, name).namespace, argv, stdio)
    const init = hosts[0] === undefined ? undefined : new Machine(home, state.cluster, hosts[0]).init
    if (init === undefined) throw errors.LOCAL_HOST_DOWN({ host: name })
    return spawnOnHost(init, argv, stdio)
  }

  /**
   * A connection to a port of a local host, from inside its network: the socket is an ordinary one, nothing relays it.
   * @throws LOCAL_NOT_FOUND; else errors like those of `net.connect`
   */
  async dial(address: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const cluster = await this.#clusterAt(address)
    const connector =
      this.#connectors.get(cluster) ?? new Connector(clusterPlaces(this.#places.home, cluster).namespace)
    this.#connectors.set(cluster, connector)
    return await connector.connect(address, port, signal)
  }

  /**
   * A port in the network of a cluster, at the address of its bridge: connections that hosts make to it arrive here, until it is closed.
   * @throws LOCAL_NOT_FOUND, LOCAL_INLET_FAILED
   */
  async inlet(cluster: string, accept: (connection: Duplex) => void, signal: AbortSignal): Promise<Inlet> {
    const { state } = await this.#find(cluster)
    const { namespace } = clusterPlaces(this.#places.home, state.cluster)
    return await openInlet(namespace, gatewayOf(state.network), accept, signal)
  }

  /**
   * Leads a port of 127.0.0.1 of this machine to a port of the cluster's hosts, until it is closed or the cluster deleted.
   * @throws LOCAL_PORT_TAKEN
   */
  async expose(cluster: string, exposed: ExposedPort): Promise<void> {
    await withLock(cluster, async () => {
      const { state } = await this.#find(cluster)
      if (exposed.host !== undefined) this.#hostIn(state, exposed.host)
      const others = state.exposed.filter(({ local }) => local !== exposed.local)
      const next = { ...state, exposed: [...others, exposed] }
      await openRelay(this.#places.home, state, next, async () => await writeState(this.#places.home, next))
    })
  }

  /** Closes what `expose` has opened. Safe to repeat. */
  async unexpose(cluster: string, local: number): Promise<void> {
    await withLock(cluster, async () => {
      const { state } = await this.#find(cluster)
      const next = { ...state, exposed: state.exposed.filter((one) => one.local !== local) }
      await writeState(this.#places.home, next)
      if (next.exposed.length === 0) await stopRelay(this.#places.home, cluster)
    })
  }

  /** The last lines of a host's console. */
  async console(host: string): Promise<string> {
    return await this.#machineOf(host).then((machine) => machine.console(50))
  }

  /** Starts one host and waits until it answers. */
  async startHost(cluster: string, name: string, signal?: AbortSignal): Promise<void> {
    const { state } = await this.#find(cluster)
    await this.#startAll(state, [this.#hostIn(state, name)], signal)
  }

  async #starting(wish: LocalWish): Promise<number> {
    return this.#stopped(wish.cluster, await this.foresee(wish)).length
  }

  #stopped(cluster: string, hosts: readonly HostState[]): readonly HostState[] {
    const inits = runningInits()
    return hosts.filter(
      ({ name }) => initOf(hostPlaces(this.#places.home, cluster, name).namespace, inits) === undefined,
    )
  }

  async #startAll({ cluster }: ClusterState, hosts: readonly HostState[], signal?: AbortSignal): Promise<void> {
    const { home, cache } = this.#places
    const publicKey = await ensureKey(home)
    await withLock(
      cluster,
      async () => {
        const state = await readState(home, cluster)
        if (state === undefined) throw await this.#notFound(cluster)
        await claim(home, cluster, state.network, signal)
        // A cache that was emptied is filled again; a newer root does below what the hosts have written.
        const root = (await hasRoot(cache, state.root)) ? state.root : await ensureRoot(cache, signal)
        await this.#raise(state)
        const lower = rootFolder(cache, root)
        await Promise.all(hosts.map(async (host) => await new Machine(home, cluster, host).start(lower, publicKey)))
      },
      signal,
    )
    const dial = this.dial.bind(this)
    await Promise.all(hosts.map(async (host) => await waitForSshd(new Machine(home, cluster, host), dial, signal)))
  }

  /** What hosts stand on: network, memory for disks, relay. */
  async #raise(state: ClusterState): Promise<void> {
    const places = clusterPlaces(this.#places.home, state.cluster)
    await makeNetwork(places.namespace, state.network)
    if (state.memoryDisks) await makeMemoryDisks(places.disks)
    if (state.exposed.length > 0) await openRelay(this.#places.home, state, state)
  }

  async #each(name: string, work: (machine: Machine) => Promise<void>): Promise<void> {
    const { state, hosts } = await this.#find(name)
    await withLock(state.cluster, async () => {
      await Promise.all(hosts.map(async (host) => await work(new Machine(this.#places.home, state.cluster, host))))
    })
  }

  async #links(name: string, to: 'up' | 'down'): Promise<void> {
    const { namespace } = clusterPlaces(this.#places.home, (await this.#find(name)).state.cluster)
    await this.#each(name, async (machine) => {
      if (machine.init === undefined) throw errors.LOCAL_HOST_DOWN({ host: machine.host.name })
      await setLink(namespace, machine.host.link, to)
    })
  }

  /** A cluster with all its hosts, or the one host of that name. @throws LOCAL_NOT_FOUND */
  async #find(name: string): Promise<{ readonly state: ClusterState; readonly hosts: readonly HostState[] }> {
    for (const cluster of await clusterNames(this.#places.home)) {
      const state = await readState(this.#places.home, cluster)
      if (state?.cluster === name) return { state, hosts: state.hosts }
      const host = state?.hosts.find((one) => one.name === name)
      if (state !== undefined && host !== undefined) return { state, hosts: [host] }
    }
    throw await this.#notFound(name)
  }

  async #machineOf(host: string): Promise<Machine> {
    const { state } = await this.#find(host)
    return new Machine(this.#places.home, state.cluster, this.#hostIn(state, host))
  }

  #hostIn(state: ClusterState, name: string): HostState {
    const host = state.hosts.find((one) => one.name === name)
    if (host === undefined) throw errors.LOCAL_NOT_FOUND({ name, known: state.hosts.map((one) => one.name) })
    return host
  }

  async #clusterAt(address: string): Promise<string> {
    for (const cluster of await clusterNames(this.#places.home)) {
      const state = await readState(this.#places.home, cluster)
      if (state?.hosts.some((host) => host.address === address)) return cluster
    }
    throw await this.#notFound(address)
  }

  async #notFound(name: string): Promise<Error> {
    return errors.LOCAL_NOT_FOUND({ name, known: await clusterNames(this.#places.home) })
  }
}
