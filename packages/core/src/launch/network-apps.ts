import type { HostView } from '../hosts/host.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import type { Launchpad } from '../runtime.ts'
import type { Step } from '../step.ts'
import type { Wanted } from '../wanted.ts'
import { type AppPlace, appEnv, placeEnv } from './app-commands.ts'
import { kubectlBy } from './kubectl.ts'
import { launchApp, workloadsOf } from './launch-app.ts'
import { launchDigest, launchedApps, noteLaunched } from './launched.ts'
import type { Workload } from './workload.ts'

/** What a runtime says about its network phase. */
export interface NetworkPhase {
  readonly wanted: Wanted
  /** The image's config for the launchpad's platform. */
  readonly config: () => Promise<ClusterConfig>
  readonly launchpad: Launchpad
  readonly rootfs: string
  /** Handed to the apps under everything that the image and the user say, e.g. PodCIDR. */
  readonly env?: Readonly<Record<string, string>>
  readonly after: readonly string[]
}

/**
 * The step `network`: launches the image's apps for pod networks and storage (CNI, CSI), which every cluster of it needs, whatever LAUNCH
 * says. Does not wait for them, since pods of theirs wait for nodes that are still to join; see `networkWorkloads`.
 */
export function networkStep(phase: NetworkPhase): Step {
  const { wanted, launchpad, config } = phase
  const place: AppPlace = phase
  const digestOf = (app: AppConfig, image: ClusterConfig) =>
    launchDigest(wanted.image.digest, app, phase.env, appEnv(wanted, image, app))
  const todo = async (launched: ReadonlyMap<string, string>) => {
    const image = await config()
    return networkApps(image).filter((app) => launched.get(app.name) !== digestOf(app, image))
  }
  return {
    id: 'network',
    title: 'Launch pod network and storage',
    after: phase.after,
    skip: async () => {
      const asking = kubectlBy((command) => launchpad.host.inquire(command), placeEnv(place, {}))
      if (networkApps(await config()).length === 0) return 'the image has none'
      return (await todo(await launchedApps(asking))).length === 0
        ? 'already launched, with the same content'
        : undefined
    },
    do: async (work) => {
      const host = work.on(launchpad.host)
      const kubectl = kubectlBy((command) => host.run(command), placeEnv(place, {}))
      const image = await config()
      for (const app of await todo(await launchedApps(kubectl))) {
        work.say(`Launch ${app.name}`)
        await launchApp(host, app, place, { ...phase.env, ...appEnv(wanted, image, app) }, { signal: work.signal })
        await noteLaunched(kubectl, app.name, digestOf(app, image))
      }
    },
  }
}

/** The workloads of the network phase as they are now, for the runtime's own wait. */
export async function networkWorkloads(
  view: HostView,
  config: ClusterConfig,
  place: AppPlace,
): Promise<readonly Workload[]> {
  const found = await Promise.all(networkApps(config).map(async (app) => await workloadsOf(view, app, place)))
  return found.flat()
}

const networkApps = (config: ClusterConfig): readonly AppConfig[] =>
  config.apps.filter(({ kind }) => kind === 'cni' || kind === 'csi')
