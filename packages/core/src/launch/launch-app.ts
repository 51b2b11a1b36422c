import { type Clock, systemClock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { Command, Host, HostView } from '../hosts/host.ts'
import type { AppConfig } from '../image/cluster-config.ts'
import { type AppPlace, appCommands, fileArguments, placeEnv } from './app-commands.ts'
import { type Kubectl, type KubeObject, kubectlBy, objectsOf } from './kubectl.ts'
import { type Workload, workloadResources, workloadsAmong } from './workload.ts'

/** Runs the commands of an app. Waits for nothing. */
export async function launchApp(
  host: Host,
  app: AppConfig,
  place: AppPlace,
  env: Readonly<Record<string, string>>,
  { signal, clock = systemClock }: { readonly signal: AbortSignal; readonly clock?: Clock },
): Promise<void> {
  if (app.type === 'helm' && app.cmds === undefined) await freeRelease(host, app, place)
  for (const command of appCommands(app, place, env)) await settle(host, { ...command, signal }, clock)
}

/** Whether the files of an app say which workloads it has; else only its commands know. */
export const namesWorkloads = ({ type, cmds = [] }: AppConfig): boolean =>
  cmds.length === 0 && (type === 'kube' || type === 'helm')

/** The workloads that an app's files name, as they are in the cluster now. */
export async function workloadsOf(view: HostView, app: AppConfig, place: AppPlace): Promise<readonly Workload[]> {
  if (!namesWorkloads(app)) return []
  const base = { cwd: place.rootfs, env: placeEnv(place, {}) }
  const get = ['kubectl', 'get', '--ignore-not-found', '-o', 'json']
  if (app.type === 'kube') {
    if (app.files.length === 0) return []
    return workloadsAmong(objectsOf((await view.inquire({ ...base, argv: [...get, ...fileArguments(app)] })).stdout))
  }
  const { stdout } = await view.inquire({ ...base, argv: ['helm', 'get', 'manifest', app.name] })
  if (stdout.trim() === '') return []
  return workloadsAmong(objectsOf((await view.inquire({ ...base, argv: [...get, '-f', '-'], input: stdout })).stdout))
}

/** All workloads of the cluster with their generations: what a command made or changed shows by comparing before and after. */
export async function allWorkloads(kubectl: Kubectl): Promise<ReadonlyMap<string, Workload>> {
  const { Deployment, StatefulSet, DaemonSet, Job } = workloadResources
  const answer = await kubectl(['get', [Deployment, StatefulSet, DaemonSet, Job].join(','), '-A', '-o', 'json'])
  const entry = (object: KubeObject) =>
    workloadsAmong([object]).map((one): [string, Workload] => [
      `${one.kind}/${one.namespace}/${one.name}/${object.metadata?.generation ?? 0}`,
      one,
    ])
  return new Map(objectsOf(answer).flatMap(entry))
}

/**
 * A resource of a kind that the same app defines is refused until the API serves that kind, some moments later: then once more.
 * So is anything while the API server has just started.
 */
async function settle(host: Host, command: Command, clock: Clock): Promise<void> {
  for (let left = 20; ; left--) {
    try {
      await host.run(command)
      return
    } catch (error) {
      if (command.argv[0] !== 'kubectl' || left === 0 || !heals(error)) throw error
      await clock.sleep(500, command.signal)
    }
  }
}

const heals = (error: unknown): boolean =>
  SealerError.is(error) &&
  error.code === 'COMMAND_FAILED' &&
  /no matches for kind|ensure CRDs are installed first|connection refused|failed calling webhook|the server is currently unable/.test(
    error.message,
  )

/** A release whose launch was killed stays "pending" and refuses every further launch: its unfinished record is taken away. */
async function freeRelease(host: Host, app: AppConfig, place: AppPlace): Promise<void> {
  const kubectl = kubectlBy((command) => host.run(command), placeEnv(place, {}))
  const unfinished = `owner=helm,name=${app.name},status in (pending-install,pending-upgrade,pending-rollback)`
  await kubectl(['delete', 'secret', '-n', 'default', '-l', unfinished])
}
