import { isDeepStrictEqual } from 'node:util'
import semver from 'semver'
import type { AppConfig, CarriedImage, ClusterConfig, PartInfo } from '../image/cluster-config.ts'
import { labels as labelNames } from '../kubefile/draft.ts'
import { type Conflict, type Merged, type Named, unionOf } from './conflict.ts'

/** A merged config, and what a user should know of it. */
export interface MergedConfig extends Merged<ClusterConfig> {
  readonly notes: readonly string[]
}

/** The union of what images of one platform say of themselves (docs/design/image-format.md, "Merging"). */
export function mergeConfigs(
  platform: ClusterConfig['platform'],
  images: readonly Named<ClusterConfig>[],
): MergedConfig {
  const apps = unionOf(
    images.map(named(({ apps }) => apps.map((app) => [app.name, app] as const))),
    same,
    (app) => `have different apps named ${app}`,
  )
  const env = unionOf(
    images.map(named(({ env }) => Object.entries(env))),
    same,
    (name) => `set ${name} to different values`,
  )
  const runtime = mergeRuntimes(images)
  const kubernetes = mergeRequirements(images, runtime.value)
  const { labels, notes } = mergeLabels(images, runtime.value, kubernetes.value)
  const configs = images.map(({ value }) => value)
  const parts = unique(configs.flatMap((config) => config.parts))
  return {
    value: {
      schemaVersion: 1,
      type: configs.some(({ type }) => type === 'kube-installer') ? 'kube-installer' : 'app-installer',
      platform,
      runtime: runtime.value,
      apps: [...apps.value.values()],
      launch: [...new Set(configs.flatMap(({ launch }) => launch))],
      cmds: configs.flatMap(({ cmds }) => cmds),
      env: Object.fromEntries(env.value),
      labels,
      requirements: kubernetes.value === undefined ? {} : { kubernetes: kubernetes.value },
      parts,
      source: sourceOf(parts),
    },
    conflicts: [
      ...apps.conflicts,
      ...networkConflicts(images),
      ...env.conflicts,
      ...runtime.conflicts,
      ...kubernetes.conflicts,
    ],
    notes,
  }
}

/** The union of carried container images: of one name one digest, needed by all who need it. */
export function mergeCarried(images: readonly Named<readonly CarriedImage[]>[]): Merged<readonly CarriedImage[]> {
  const join = (first: CarriedImage, second: CarriedImage): CarriedImage | undefined =>
    first.digest === second.digest
      ? {
          ...first,
          apps: unique([...first.apps, ...second.apps]),
          reasons: unique([...first.reasons, ...second.reasons]),
        }
      : undefined
  const { value, conflicts } = unionOf(
    images.map(named((carried) => carried.map((image) => [image.reference, image] as const))),
    join,
    (reference, first, second) => `carry different images as ${reference}: ${first.digest} and ${second.digest}`,
  )
  return { value: [...value.values()], conflicts }
}

/** A cluster has one network: the apps that bring it are launched before all others, and two would fight. */
function networkConflicts(images: readonly Named<ClusterConfig>[]): Conflict[] {
  const networks = images.flatMap(({ name, value }) =>
    value.apps.filter(({ kind }) => kind === 'cni').map((app) => ({ image: name, app: app.name })),
  )
  const [first] = networks
  return networks.flatMap(({ image, app }) =>
    first === undefined || app === first.app || image === first.image
      ? []
      : [{ images: [first.image, image] as const, what: `bring a network each: ${first.app} and ${app}` }],
  )
}

/** What installs says what is installed: the runtimes of images that need a cluster do not count beside one that makes it. */
function mergeRuntimes(images: readonly Named<ClusterConfig>[]): Merged<ClusterConfig['runtime']> {
  const installers = images.filter(({ value }) => value.type === 'kube-installer')
  const counting = installers.length === 0 ? images : installers
  const type = unionOf(
    counting.map(named(({ runtime }) => [['type', runtime.type] as const])),
    same,
    (_key, first, second) => `are made for different runtimes, ${first} and ${second}`,
  )
  const version = unionOf(
    counting.map(
      named(({ runtime }) => (runtime.version === undefined ? [] : [['version', runtime.version] as const])),
    ),
    same,
    (_key, first, second) => `are made for different versions of their runtime, ${first} and ${second}`,
  )
  const known = version.value.get('version')
  return {
    value: { type: type.value.get('type') ?? 'kubernetes', ...(known !== undefined && { version: known }) },
    conflicts: [...type.conflicts, ...version.conflicts],
  }
}

/** What all of their KUBEVERSION allow; it must hold for the runtime, if an image brings one. */
function mergeRequirements(
  images: readonly Named<ClusterConfig>[],
  runtime: ClusterConfig['runtime'],
): Merged<string | undefined> {
  const union = unionOf(
    images.map(named(({ requirements: { kubernetes } }) => (kubernetes ? [['range', kubernetes] as const] : []))),
    intersection,
    (_key, first, second) => `want versions of Kubernetes that no version meets: ${first} and ${second}`,
  )
  const range = union.value.get('range')
  const version = semver.parse(runtime.version)
  const bringer = images.find(({ value }) => value.type === 'kube-installer' && value.runtime.version !== undefined)
  const wanting = images.filter(({ value: { requirements } }) => {
    const own = requirements.kubernetes
    return own !== undefined && version !== null && !semver.satisfies(version, own, { includePrerelease: true })
  })
  const unmet =
    bringer === undefined || runtime.type !== 'kubernetes'
      ? []
      : wanting.map(
          ({ name, value }): Conflict => ({
            images: [bringer.name, name],
            what: `do not fit: the first brings Kubernetes ${version}, the second wants ${value.requirements.kubernetes}`,
          }),
        )
  return { value: range, conflicts: [...union.conflicts, ...unmet] }
}

/** The range of what both allow; undefined when that is nothing. */
function intersection(first: string, second: string): string | undefined {
  if (first === second) return first
  if (!semver.intersects(first, second)) return undefined
  const [left, right] = [first, second].map((range) => new semver.Range(range).range.split('||'))
  const both = (left ?? []).flatMap((one) => (right ?? []).map((other) => `${one} ${other}`.trim()))
  return both.filter((range) => isSatisfiable(range)).join(' || ')
}

function isSatisfiable(range: string): boolean {
  try {
    return semver.minVersion(range) !== null
  } catch {
    return false
  }
}

/** Labels are remarks: that of the later image stands, and those that say what the image is say what the merged one is. */
function mergeLabels(
  images: readonly Named<ClusterConfig>[],
  runtime: ClusterConfig['runtime'],
  kubernetes: string | undefined,
): { readonly labels: Readonly<Record<string, string>>; readonly notes: readonly string[] } {
  const meaning: Readonly<Record<string, string | undefined>> = {
    [labelNames.runtimeType]: runtime.type,
    [labelNames.runtimeVersion]: runtime.version,
    [labelNames.supportedKubernetes]: kubernetes,
  }
  const labels: Record<string, string> = {}
  const notes: string[] = []
  for (const { name, value } of images) {
    for (const [label, text] of Object.entries(value.labels)) {
      const own = meaning[label]
      if (own === undefined && labels[label] !== undefined && labels[label] !== text)
        notes.push(`the label ${label} is that of ${name}; others have another.`)
      labels[label] = own ?? text
    }
  }
  return { labels, notes }
}

const sourceOf = (parts: readonly PartInfo[]): ClusterConfig['source'] =>
  parts.some(({ source }) => source === 'built') ? 'built' : parts.length === 0 ? 'none' : 'official'

const named =
  <From, To>(of: (value: From) => To) =>
  ({ name, value }: Named<From>): Named<To> => ({ name, value: of(value) })

const same = <T extends string | AppConfig>(first: T, second: T): T | undefined =>
  isDeepStrictEqual(first, second) ? first : undefined

function unique<T>(items: readonly T[]): T[] {
  return items.filter((item, at) => items.findIndex((other) => isDeepStrictEqual(item, other)) === at)
}
