import type { Plugin } from '@sealer/core'
import type { Lack } from './fitness.ts'
import type { LocalClusters } from './local-clusters.ts'

export type { Lack } from './fitness.ts'
export type { LocalCluster, LocalClusters, LocalHost } from './local-clusters.ts'
export type { ExposedPort } from './state.ts'
export type { LocalWish } from './wish.ts'

export interface LocalOptions {
  /** Folder of sealer; local hosts live in its subfolder `local`. */
  readonly home: string
  /** Folder for what can be made again, `~/.cache/sealer` when nothing is said. */
  readonly cache?: string
}

/** Supplies hosts for clusters that want infra `local`: machines of systemd-nspawn on this Linux machine, as root. */
export function local(options: LocalOptions): Plugin {
  return {
    name: 'infra-local',
    apply({ hooks }) {
      hooks.choose.infra.tapPromise('infra-local', async (wanted) => {
        if (wanted.infra !== 'local') return undefined
        const { LocalInfra } = await import('./infra.ts') // loaded only when a cluster asks for it
        return new LocalInfra(await localClusters(options))
      })
    },
  }
}

/** The local hosts of a home, to be made and used without a cluster image. Hosts outlive the object; disposing of it ends its helpers. */
export async function localClusters(options: LocalOptions): Promise<LocalClusters> {
  const [{ LocalClusters }, { placesOf }] = await Promise.all([import('./local-clusters.ts'), import('./layout.ts')])
  return new LocalClusters(placesOf(options.home, options.cache))
}

/** What this machine lacks for local hosts, each with its remedy; empty when it can have them. */
export async function machineLacks(options: LocalOptions): Promise<readonly Lack[]> {
  const [{ machineLacks }, { placesOf }] = await Promise.all([import('./fitness.ts'), import('./layout.ts')])
  return await machineLacks(placesOf(options.home, options.cache))
}
