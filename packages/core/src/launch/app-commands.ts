import { posix } from 'node:path'
import type { Command } from '../hosts/host.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import { isKustomizationFile } from '../manifests/kustomization-files.ts'
import type { Launchpad } from '../runtime.ts'
import type { Wanted } from '../wanted.ts'

/** Where commands of apps run, and with what. */
export interface AppPlace {
  readonly launchpad: Launchpad
  /** The rootfs on the launchpad's host: working directory of every command. */
  readonly rootfs: string
}

/** An app's environment, strongest first: what the user wants, the app's own (APPENV), the image's (ENV). */
export const appEnv = (
  wanted: Pick<Wanted, 'env'>,
  config: Pick<ClusterConfig, 'env'>,
  app?: AppConfig,
): Record<string, string> => ({
  ...config.env,
  ...app?.env,
  ...wanted.env,
})

/** The environment of a command: the app's, then what reaches the cluster; programs of the rootfs come first on the PATH. */
export const placeEnv = (
  { launchpad, rootfs }: AppPlace,
  env: Readonly<Record<string, string>>,
): Record<string, string> => ({
  ...env,
  ...launchpad.env,
  PATH: `${rootfs}/bin:${launchpad.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}`,
})

/** Path of a file of an app below the rootfs. */
export const appPath = (app: AppConfig, file = '.'): string =>
  file === '.' ? `application/apps/${app.name}` : `application/apps/${app.name}/${file.replace(/^\/+/, '')}`

/** What launches an app: its own commands (APPCMDS), else what its type says. Safe to repeat where the app's own commands are. */
export function appCommands(
  app: AppConfig,
  place: AppPlace,
  env: Readonly<Record<string, string>>,
): readonly Command[] {
  const base = { cwd: place.rootfs, env: placeEnv(place, env) }
  if (app.cmds !== undefined && app.cmds.length > 0) {
    return [{ ...base, cwd: `${place.rootfs}/${appPath(app)}`, argv: ['sh', '-c', app.cmds.join(' ')] }]
  }
  switch (app.type) {
    case 'kube':
      return app.files.length === 0 ? [] : [{ ...base, argv: [...applyManifests, ...fileArguments(app)] }]
    case 'helm':
      return [{ ...base, argv: ['helm', 'upgrade', '--install', app.name, appPath(app, app.files[0])] }]
    case 'shell':
      return app.files.map((file) => ({ ...base, argv: shellScript(appPath(app, file)) }))
    case 'other':
      return []
  }
}

/** A whole command of CMDS or CMD. */
export const wholeCommand = (command: string, place: AppPlace, env: Readonly<Record<string, string>>): Command => ({
  argv: ['sh', '-c', command],
  cwd: place.rootfs,
  env: placeEnv(place, env),
})

const applyManifests = ['kubectl', 'apply', '--server-side', '--force-conflicts', '--field-manager=sealer']

/** `-f FILE` for every manifest of an app, in launch order; `-k FOLDER` for a kustomization. */
export function fileArguments(app: AppConfig): readonly string[] {
  const [only = '', ...more] = app.files
  if (more.length === 0 && isKustomizationFile(posix.basename(only))) return ['-k', posix.dirname(appPath(app, only))]
  return app.files.flatMap((file) => ['-f', appPath(app, file)])
}

/** Scripts were always run by bash; a host without it has sh. */
const shellScript = (file: string) => [
  'sh',
  '-c',
  'command -v bash >/dev/null && exec bash "$1"; exec sh "$1"',
  'sh',
  file,
]
