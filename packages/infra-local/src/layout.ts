import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder of what must not outlive a boot of this machine: claims on names and networks, locks. */
export const runtimeFolder = '/run/sealer-local'

/** Where local clusters keep their things. */
export interface LocalPlaces {
  /** Folder of sealer; local hosts live in its subfolder `local`. */
  readonly home: string
  /** Folder for what can be made again. */
  readonly cache: string
}

/** @param cache `~/.cache/sealer` (or below XDG_CACHE_HOME) when nothing is said */
export function placesOf(home: string, cache?: string): LocalPlaces {
  return { home, cache: cache ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealer') }
}

/** Everything of one cluster on this machine, derived from home and name alone: nothing has to be remembered to find it again. */
export interface ClusterPlaces {
  readonly folder: string
  readonly state: string
  /** Disks of the hosts; a tmpfs when they are in memory. */
  readonly disks: string
  /** Name of the network namespace. */
  readonly namespace: string
  /** Says whose the name is and which network it has. */
  readonly claim: string
  /** The relay of exposed ports, see process-mark.ts. */
  readonly relay: string
  readonly relayLog: string
}

export function clusterPlaces(home: string, cluster: string): ClusterPlaces {
  const folder = join(home, 'local', cluster)
  return {
    folder,
    state: join(folder, 'state.json'),
    disks: join(folder, 'disks'),
    namespace: `sealer-${cluster}`,
    claim: join(runtimeFolder, `${cluster}.json`),
    relay: join(folder, 'relay.json'),
    relayLog: join(folder, 'relay.log'),
  }
}

/** Everything of one host. */
export interface HostPlaces {
  readonly folder: string
  /** Where its root file system is mounted. */
  readonly root: string
  /** What it has written: `upper`, `work`, `containerd`. */
  readonly disk: string
  readonly console: string
  readonly supervisor: string
  /** Its cgroups, one a line. */
  readonly groups: string
  /** Name of its network namespace; the dot keeps it apart from a cluster's, whose name has none. */
  readonly namespace: string
}

export function hostPlaces(home: string, cluster: string, host: string): HostPlaces {
  const places = clusterPlaces(home, cluster)
  const folder = join(places.folder, 'hosts', host)
  return {
    folder,
    root: join(folder, 'root'),
    disk: join(places.disks, host),
    console: join(folder, 'console.log'),
    supervisor: join(folder, 'supervisor.json'),
    groups: join(folder, 'groups'),
    namespace: `${places.namespace}.${host}`,
  }
}

/** The key that opens all local hosts of a home. */
export const keyFile = (home: string): string => join(home, 'local', 'id_ed25519')

export const namespaceFile = (namespace: string): string => `/run/netns/${namespace}`

/** A short name for anything, the same every time. */
export const digestOf = (...texts: readonly string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16)
