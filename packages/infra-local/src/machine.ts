import { existsSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeGroups, processesIn, removeGroups } from './cgroups.ts'
import { discard, mountRoot, unmountAll } from './disk.ts'
import { initOf } from './inits.ts'
import { clusterPlaces, type HostPlaces, hostPlaces } from './layout.ts'
import { connectHost, disconnectHost, setLink } from './network.ts'
import { isAlive, kill, killGroup, markOf, readMark } from './process-mark.ts'
import { runProgram } from './run-program.ts'
import type { HostState } from './state.ts'
import { ownUnit, supervise } from './supervisor.ts'

/** systemd's signal for a clean power-off: SIGRTMIN+4, see systemd(1). */
const powerOff = 34 + 4
/** A host that has not powered off after so many milliseconds is killed. */
const stopLimit = 30_000
/** What SIGKILL does, it does within so many milliseconds. */
const killLimit = 5_000

/** One host as this machine runs it. What it does is safe to repeat; the caller holds the cluster's lock. */
export class Machine {
  readonly host: HostState
  readonly places: HostPlaces
  readonly #cluster: string
  /** The cluster's network namespace. */
  readonly #network: string

  constructor(home: string, cluster: string, host: HostState) {
    this.host = host
    this.places = hostPlaces(home, cluster, host.name)
    this.#cluster = cluster
    this.#network = clusterPlaces(home, cluster).namespace
  }

  /** Process 1 of the host, as this machine numbers it; undefined when it does not run. */
  get init(): number | undefined {
    return initOf(this.places.namespace)
  }

  /** Boots the host, with the disk that it had. Does not wait until it answers. */
  async start(lower: string, publicKey: string): Promise<void> {
    if (this.init !== undefined) return
    await this.kill() // what an interrupted start or a dead supervisor has left
    const fresh = !existsSync(join(this.places.disk, 'upper'))
    await mkdir(this.places.folder, { recursive: true })
    await mountRoot(this.places, lower, this.host.diskBytes)
    if (fresh) await this.#settle(publicKey)
    await connectHost(this.#network, { ...this.host, namespace: this.places.namespace })
    if (!(await ownUnit())) {
      const groups = await makeGroups(this.#cluster, this.host.name)
      await writeFile(this.places.groups, groups.map((group) => `${group}\n`).join(''))
    }
    await supervise(this.host.name, this.places)
  }

  /** Powers the host off cleanly; one that does not obey is killed. */
  async stop(): Promise<void> {
    const { init } = this
    const mark = init === undefined ? undefined : markOf(init)
    if (init !== undefined) process.kill(init, powerOff)
    await gone(() => isAlive(mark), stopLimit)
    await this.kill()
  }

  /** Power loss: no goodbye reaches anybody. The disk stays. */
  async kill(): Promise<void> {
    await setLink(this.#network, this.host.link, 'down').catch(() => {}) // there may be none
    const supervisor = await readMark(this.places.supervisor)
    const groups = (await readFile(this.places.groups, 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
    if (supervisor !== undefined && isAlive(supervisor)) kill(supervisor.pid, 'SIGTERM') // first, or it starts it again
    const { init } = this
    if (init !== undefined) kill(init, 'SIGKILL') // the kernel takes the whole pid namespace along
    await gone(() => this.init !== undefined || (init !== undefined && isAlive(supervisor)), killLimit)
    if (isAlive(supervisor)) killGroup(supervisor)
    if (!(await emptied(groups, killLimit))) {
      for (const pid of await processesIn(groups)) kill(pid, 'SIGKILL')
      await emptied(groups, killLimit)
    }
    await disconnectHost(this.#network, { ...this.host, namespace: this.places.namespace })
    await removeGroups(groups)
    await rm(this.places.supervisor, { force: true })
    await rm(this.places.groups, { force: true })
    await rmdir(join('/run/systemd/nspawn/propagate', this.host.name)).catch(() => {}) // nspawn's own, on disk it leaves it
  }

  /** Takes the host and its disk away. */
  async delete(): Promise<void> {
    await this.kill()
    await unmountAll(this.places.root)
    await discard(this.places.disk)
    await discard(this.places.folder)
  }

  /** The last lines of its console. */
  async console(lines = 15): Promise<string> {
    const text = await readFile(this.places.console, 'utf8').catch(() => '')
    return text.trimEnd().split(/\r?\n/).slice(-lines).join('\n')
  }

  /** Whether something tends it; when not, nothing will bring it up. */
  async isTended(): Promise<boolean> {
    return this.init !== undefined || isAlive(await readMark(this.places.supervisor))
  }

  /** Name, key and whoever may log in. Only on a disk that no host has written to yet: links in it could lead anywhere. */
  async #settle(publicKey: string): Promise<void> {
    const inRoot = (file: string) => join(this.places.root, file)
    await writeFile(inRoot('etc/hostname'), `${this.host.name}\n`)
    await appendFile(inRoot('etc/hosts'), `${this.host.address} ${this.host.name}\n`)
    // kubelet makes no pod without it; nobody answers there
    await writeFile(inRoot('etc/resolv.conf'), `nameserver ${this.host.address.replace(/\d+$/, '1')}\n`)
    await mkdir(inRoot('root/.ssh'), { recursive: true, mode: 0o700 })
    await chmod(inRoot('root/.ssh'), 0o700)
    await writeFile(inRoot('root/.ssh/authorized_keys'), publicKey, { mode: 0o600 })
    if (this.host.password === undefined) return
    await runProgram('chroot', [this.places.root, 'chpasswd'], { input: `root:${this.host.password}\n` })
    await writeFile(
      inRoot('etc/ssh/sshd_config.d/00-password.conf'),
      'PermitRootLogin yes\nPasswordAuthentication yes\n',
    )
  }
}

/** Whether these groups have no process any more, within so many milliseconds. */
async function emptied(groups: readonly string[], limit: number): Promise<boolean> {
  const end = performance.now() + limit
  while ((await processesIn(groups)).size > 0) {
    if (performance.now() > end) return false
    await setTimeout(20)
  }
  return true
}

/** Waits while something is there, at most so many milliseconds. */
async function gone(isThere: () => boolean, limit: number): Promise<void> {
  const end = performance.now() + limit
  while (isThere() && performance.now() < end) await setTimeout(20)
}
