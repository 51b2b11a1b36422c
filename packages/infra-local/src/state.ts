import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { clusterPlaces } from './layout.ts'

/** What cannot be found by looking at the machine. All else (what runs, what is cut off) the kernel is asked for. */
export interface ClusterState {
  readonly version: 1
  readonly cluster: string
  /** Third number of its network: 198.18.N.0/24. */
  readonly network: number
  /** Key of the root file system in the cache. */
  readonly root: string
  readonly hosts: readonly HostState[]
  /** Disks in memory: faster, gone after a reboot of the machine. */
  readonly memoryDisks: boolean
  readonly exposed: readonly ExposedPort[]
}

export interface HostState {
  readonly name: string
  readonly role: 'master' | 'node'
  readonly address: string
  /** Its interface in the cluster's namespace, at most 15 characters. */
  readonly link: string
  /** Limit of its disk, kept in memory then. */
  readonly diskBytes?: number
  /** Root's password, for tests of password login; else only the key opens. */
  readonly password?: string
}

/** A port of 127.0.0.1 of this machine, led to a port of the cluster's hosts. */
export interface ExposedPort {
  readonly local: number
  readonly port: number
  /** The only host that is asked; undefined: the first that answers. */
  readonly host?: string
}

/** Undefined when there is no such cluster. */
export async function readState(home: string, cluster: string): Promise<ClusterState | undefined> {
  try {
    return JSON.parse(await readFile(clusterPlaces(home, cluster).state, 'utf8')) as ClusterState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Readers see the old state or the new one, never half. */
export async function writeState(home: string, state: ClusterState): Promise<void> {
  await writeWhole(clusterPlaces(home, state.cluster).state, `${JSON.stringify(state, undefined, 2)}\n`, 0o600)
}

/** Writes beside the file, then renames. */
export async function writeWhole(file: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const beside = `${file}.${process.pid}.new`
  await writeFile(beside, text, { mode })
  await rename(beside, file)
}

/** Names of the clusters of a home, sorted. A folder without state is what a create has left behind. */
export async function clusterNames(home: string): Promise<readonly string[]> {
  const entries = await readdir(join(home, 'local'), { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}
