import { type Clock, systemClock } from '../clock.ts'
import { errors } from '../errors.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import type { Launchpad } from '../runtime.ts'
import type { Step, Work } from '../step.ts'
import type { Wanted } from '../wanted.ts'
import { type AppPlace, appEnv, placeEnv, wholeCommand } from './app-commands.ts'
import { kubectlBy } from './kubectl.ts'
import { allWorkloads, launchApp, namesWorkloads, workloadsOf } from './launch-app.ts'
import { launchDigest, launchedApps, noteLaunched } from './launched.ts'
import { waitForWorkloads } from './wait-for-workloads.ts'
import type { Workload } from './workload.ts'

/** What launching needs to know. */
export interface Launch {
  readonly wanted: Wanted
  readonly config: ClusterConfig
  readonly launchpad: Launchpad
  /** The rootfs on the launchpad's host. */
  readonly rootfs: string
  /** Ids of the steps after which the cluster is ready for apps. */
  readonly after: readonly string[]
  /** How many members of the cluster do not answer. */
  readonly silent?: number
  readonly clock?: Clock
}

/**
 * One step per app and command, each after the one before: launch, then wait until its workloads are ready. An app that was launched
 * with the same content is skipped.
 * @throws APP_NOT_FOUND when an app is wanted that the image lacks
 */
export function launchSteps(launch: Launch): readonly Step[] {
  const { wanted, config, launchpad } = launch
  const place: AppPlace = launch
  const asking = kubectlBy((command) => launchpad.host.inquire(command), placeEnv(place, {}))
  let launched: ReturnType<typeof launchedApps> | undefined
  let after = launch.after
  return launchables(wanted, config).map(({ key, title, what, digest, run }): Step => {
    const step: Step = {
      id: `launch/${key}`,
      title,
      after,
      skip: async () => {
        launched ??= launchedApps(asking)
        return (await launched).get(key) === digest ? 'already launched, with the same content' : undefined
      },
      do: async (work) => {
        const host = work.on(launchpad.host)
        const kubectl = kubectlBy((command) => host.run(command), placeEnv(place, {}))
        const { silent = 0 } = launch
        const patience = { what, seconds: wanted.timeoutSeconds, signal: work.signal, silent, ...clockOf(launch) }
        const workloads = await run(work, launch)
        await waitForWorkloads(kubectl, workloads, patience)
        await noteLaunched(kubectl, key, digest)
      },
    }
    after = [step.id]
    return step
  })
}

interface Launchable {
  readonly key: string
  readonly title: string
  /** What is awaited, as an error names it. */
  readonly what: string
  readonly digest: string
  /** Launches, and says what to wait for. */
  readonly run: (work: Work, launch: Launch) => Promise<readonly Workload[]>
}

/** A user's list replaces what the image launches: naming apps drops its commands, giving commands drops its apps. */
function launchables(wanted: Wanted, config: ClusterConfig): readonly Launchable[] {
  const chosen = wanted.apps !== undefined || wanted.cmds !== undefined
  const names = wanted.apps ?? (chosen ? [] : config.launch)
  const commands = wanted.cmds ?? (chosen ? [] : config.cmds)
  return [
    ...[...new Set(names)]
      .filter((name) => name !== '')
      .map((name) => launchable(appNamed(name, config), wanted, config)),
    ...commands.map((command, index) => launchableCommand(command, index + 1, wanted, config)),
  ]
}

function appNamed(name: string, config: ClusterConfig): AppConfig {
  const app = config.apps.find((one) => one.name === name)
  if (app === undefined) throw errors.APP_NOT_FOUND({ app: name, known: config.apps.map((one) => one.name).join(', ') })
  return app
}

const kinds = { kube: 'manifests', helm: 'chart', shell: 'scripts', other: 'commands' }

function launchable(app: AppConfig, wanted: Wanted, config: ClusterConfig): Launchable {
  const env = appEnv(wanted, config, app)
  return {
    key: app.name,
    title: `Launch ${app.name} (${app.cmds === undefined ? kinds[app.type] : kinds.other})`,
    what: `The app ${app.name}`,
    digest: launchDigest(wanted.image.digest, app, env),
    run: async (work, launch) => {
      const host = work.on(launch.launchpad.host)
      const start = () => launchApp(host, app, launch, env, { signal: work.signal, ...clockOf(launch) })
      if (!namesWorkloads(app)) return await observed(work, launch, start)
      await start()
      return await workloadsOf(host, app, launch)
    },
  }
}

function launchableCommand(command: string, number: number, wanted: Wanted, config: ClusterConfig): Launchable {
  const env = appEnv(wanted, config)
  return {
    key: `cmd-${number}`,
    title: `Run the launch command ${number}`,
    what: `What the launch command ${number} launches`,
    digest: launchDigest(wanted.image.digest, command, env),
    run: async (work, launch) =>
      await observed(work, launch, async () => {
        await work.on(launch.launchpad.host).run({ ...wholeCommand(command, launch, env), signal: work.signal })
      }),
  }
}

/** What commands launch is seen by comparing: workloads that are new or changed afterwards. */
async function observed(work: Work, launch: Launch, run: () => Promise<void>): Promise<readonly Workload[]> {
  const kubectl = kubectlBy((command) => work.on(launch.launchpad.host).inquire(command), placeEnv(launch, {}))
  const before = await allWorkloads(kubectl)
  await run()
  return [...(await allWorkloads(kubectl))].flatMap(([key, workload]) => (before.has(key) ? [] : [workload]))
}

const clockOf = ({ clock = systemClock }: Launch) => ({ clock })
