import semver from 'semver'
import type { Platform } from '../hosts/host.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import { labels } from '../kubefile/draft.ts'
import type { OldApplication, OldExtension } from './extension.ts'
import { filesOfApp, type OldLayers } from './read-layers.ts'

/** What the documents of an old image say, for one platform. */
interface OldDocuments {
  readonly platform: Platform
  readonly extension: OldExtension
  /** Of the image's config; they win over those of the extension. */
  readonly labels: Readonly<Record<string, string>>
}

/** An old image's words as a cluster config (docs/design/old-images.md), and what of them could not be kept. */
export function configOfOld(
  { platform, extension, labels: own }: OldDocuments,
  layers: Pick<OldLayers, 'appFiles'>,
): { readonly config: ClusterConfig; readonly doubts: readonly string[] } {
  const { applications, launch, env, type } = extension
  const all = { ...extension.labels, ...own }
  const cmdsByApp = new Map(launch?.appConfigs?.map((app) => [app.name, app.launch?.cmds ?? []]))
  const apps = (applications ?? []).map((app) => appOfOld(app, cmdsByApp.get(app.name), all, layers))
  const early = new Set(apps.filter(({ kind }) => kind !== undefined).map(({ name }) => name))
  const cmds = launch?.cmds ?? []
  const version = all[labels.runtimeVersion]
  const range = all[labels.supportedKubernetes]
  const isRange = range !== undefined && semver.validRange(range) !== null
  return {
    config: {
      schemaVersion: 1,
      type: type === 'app-installer' ? 'app-installer' : 'kube-installer',
      platform,
      runtime: { type: all[labels.runtimeType] ?? 'kubernetes', ...(version !== undefined && { version }) },
      apps: apps.toSorted((a, b) => (a.name < b.name ? -1 : 1)), // the original writes them in any order
      // Where there are commands, the original ran those and no apps.
      launch: cmds.length > 0 ? [] : [...new Set(launch?.app_names ?? [])].filter((name) => !early.has(name)),
      cmds,
      env: env ?? {},
      labels: all,
      requirements: isRange ? { kubernetes: range } : {},
      parts: [],
      source: 'none',
    },
    doubts: [
      ...(range === undefined || isRange
        ? []
        : [`its KUBEVERSION "${range}" is no range of versions and is not kept.`]),
      ...apps
        .filter((app) => app.files.length === 0 && (app.cmds ?? []).length === 0)
        .map(({ name }) => `nothing says how its app ${name} is launched.`),
    ],
  }
}

function appOfOld(
  app: OldApplication,
  earlierCmds: readonly string[] | undefined,
  all: Readonly<Record<string, string>>,
  layers: Pick<OldLayers, 'appFiles'>,
): AppConfig {
  const { name, env } = app
  const cmds = app.cmds ?? earlierCmds ?? []
  const kind = all[`${labels.cni}${name}`] ? 'cni' : all[`${labels.csi}${name}`] ? 'csi' : undefined
  return {
    name,
    ...filesOfOld(app, filesOfApp(layers, name)),
    ...(cmds.length > 0 && { cmds }),
    ...(env && Object.keys(env).length > 0 && { env }),
    ...(kind !== undefined && { kind }),
  }
}

function filesOfOld(
  { type, files, launchfiles }: OldApplication,
  own: readonly string[],
): Pick<AppConfig, 'type' | 'files'> {
  // 0.9.0 took a chart of YAML files alone for manifests.
  if (type === 'helm' || (launchfiles && isChart(own))) return { type: 'helm', files: ['.'] }
  if (type !== 'kube' && type !== 'shell') return { type: 'other', files: [] }
  if (files) return { type, files: files.map((file) => file.replace(/^\/+/, '')) }
  const fitting = own.filter((file) => (type === 'kube' ? /\.ya?ml$/ : /\.sh$/).test(file))
  return { type, files: [...new Set((launchfiles ?? []).flatMap((word) => longestTail(word, fitting)))] }
}

const isChart = (own: readonly string[]): boolean =>
  own.includes('Chart.yaml') && own.some((file) => file.startsWith('templates/'))

/**
 * What a source word of 0.9.0 has become below the app's folder: the file or folder at the longest end of its path that is there. Of a folder that
 * was a source itself only the content is there.
 */
function longestTail(word: string, own: readonly string[]): readonly string[] {
  const parts = word.split('/').filter((part) => part !== '' && part !== '.')
  for (let from = 0; from < parts.length; from++) {
    const tail = parts.slice(from).join('/')
    const found = own.filter((file) => file === tail || file.startsWith(`${tail}/`))
    if (found.length > 0) return found
  }
  return own
}
