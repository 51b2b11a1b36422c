import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import type { LeftOut, SearchedFile } from './image-reader.ts'
import { isRecord } from './is-record.ts'
import { isKustomizationFile } from './kustomization-files.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** A folder that kustomize renders. */
export interface Kustomization {
  /** The folder. */
  readonly path: string
  /** The file in it that says how. */
  readonly file: SearchedFile
  /** A part that others put into theirs; not rendered by itself. */
  readonly isComponent: boolean
  /** Files of the same tree that it names. */
  readonly files: readonly string[]
  /** Folders of other kustomizations that it builds upon. */
  readonly bases: readonly string[]
  /** What it names that kustomize cannot have here: addresses, charts, files that are not there. */
  readonly lacking: readonly LeftOut[]
  /** Files without which its ConfigMaps and Secrets cannot be made, and that are not there, e.g. keys of a site. */
  readonly blanks: readonly string[]
  /** What it says, without that; undefined when it cannot be read. */
  readonly rest?: Readonly<Record<string, unknown>>
}

const largest = 1024 ** 2

/** The kustomizations among files, by their folders. One that cannot be read says so in `lacking`. */
export async function kustomizationsIn(files: readonly SearchedFile[]): Promise<ReadonlyMap<string, Kustomization>> {
  const named = files.filter(({ path }) => isKustomizationFile(posix.basename(path)))
  const folders = new Set(named.map(({ path }) => posix.dirname(path)))
  const tree = { files: new Set(files.map(({ path }) => path)), folders }
  const found = new Map<string, Kustomization>()
  for (const file of named) {
    const kustomization = await read(file, tree)
    if (kustomization !== undefined && !found.has(kustomization.path)) found.set(kustomization.path, kustomization)
  }
  return found
}

/** A kustomization with all that it builds upon, itself first. */
export function withBases(root: Kustomization, all: ReadonlyMap<string, Kustomization>): readonly Kustomization[] {
  const closure = new Set([root])
  for (const { bases } of closure) {
    for (const base of bases) {
      const known = all.get(base)
      if (known !== undefined) closure.add(known)
    }
  }
  return [...closure]
}

interface Tree {
  readonly files: ReadonlySet<string>
  /** Those that have a kustomization. */
  readonly folders: ReadonlySet<string>
}

async function read(file: SearchedFile, tree: Tree): Promise<Kustomization | undefined> {
  const path = posix.dirname(file.path)
  const nothing = { path, file, isComponent: false, files: [], bases: [], blanks: [] }
  if (file.size > largest)
    return { ...nothing, lacking: [{ place: file.path, reason: `it is larger than ${largest} bytes` }] }
  try {
    const value = yamlDocuments(await readFile(file.source, 'utf8'))[0]?.value ?? {}
    if (!isRecord(value) || !isKustomize(value)) return undefined
    return new Reading(path, file, tree).kustomization(value)
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error
    return { ...nothing, lacking: [{ place: `${file.path}:${error.line}`, reason: error.message }] }
  }
}

/** Flux has a kind of the same name. */
const isKustomize = ({ apiVersion, kind }: Record<string, unknown>): boolean =>
  (apiVersion === undefined || String(apiVersion).startsWith('kustomize.config.k8s.io/')) &&
  (kind === undefined || kind === 'Kustomization' || kind === 'Component')

/** Fields that list files or folders, which may stand elsewhere. */
const sources = [
  'resources',
  'bases',
  'components',
  'crds',
  'configurations',
  'generators',
  'transformers',
  'validators',
]
/** Fields for which kustomize would start helm, which it does only when it is allowed to. */
const helmFields = ['helmCharts', 'helmChartInflationGenerator', 'helmGlobals']
const mostNames = 5000

class Reading {
  readonly #path: string
  readonly #file: SearchedFile
  readonly #tree: Tree
  readonly #files = new Set<string>()
  readonly #bases = new Set<string>()
  readonly #blanks = new Set<string>()
  readonly #lacking: LeftOut[] = []

  constructor(path: string, file: SearchedFile, tree: Tree) {
    this.#path = path
    this.#file = file
    this.#tree = tree
  }

  kustomization(value: Readonly<Record<string, unknown>>): Kustomization {
    const rest: Record<string, unknown> = { ...value }
    for (const field of sources) {
      if (Array.isArray(value[field]))
        rest[field] = value[field].slice(0, mostNames).filter((one) => typeof one !== 'string' || this.#source(one))
    }
    for (const name of filesNamedBy(value).slice(0, mostNames)) this.#source(name)
    for (const name of dataNamedBy(value).slice(0, mostNames)) if (!this.#source(name)) this.#blank(name)
    for (const field of helmFields) delete rest[field]
    for (const chart of list(value.helmCharts).concat(list(value.helmChartInflationGenerator)))
      this.#lack(
        `its chart ${isRecord(chart) ? String(chart.name ?? chart.chartName) : ''} is rendered by nobody: make a chart of its own of it`,
      )
    return {
      path: this.#path,
      file: this.#file,
      isComponent: value.kind === 'Component',
      files: [...this.#files],
      bases: [...this.#bases],
      lacking: this.#lacking,
      blanks: [...this.#blanks],
      rest,
    }
  }

  /** Whether kustomize can be left to it. */
  #source(name: string): boolean {
    if (isInline(name)) return true
    const path = posix.join(this.#path, name).replace(/\/$/, '')
    if (this.#tree.files.has(path)) this.#files.add(path)
    else if (this.#tree.folders.has(path)) this.#bases.add(path)
    else {
      const what = isRemote(name)
        ? 'stands elsewhere, and builds have no network: put it into this tree'
        : 'is not there'
      this.#lack(`${name} ${what}`)
      return false
    }
    return true
  }

  #blank(name: string): void {
    const path = posix.join(this.#path, name)
    if (path !== '..' && !path.startsWith('../') && !isRemote(name)) this.#blanks.add(path)
  }

  #lack(reason: string): void {
    this.#lacking.push({ place: this.#file.path, reason })
  }
}

/** Fields that name files in other forms. */
function filesNamedBy(value: Readonly<Record<string, unknown>>): string[] {
  const patches = ['patches', 'patchesJson6902', 'replacements'].flatMap((field) =>
    list(value[field]).map(member('path')),
  )
  const openapi = isRecord(value.openapi) ? [value.openapi.path] : []
  return texts([...list(value.patchesStrategicMerge), ...patches, ...openapi])
}

/** Files whose content becomes that of ConfigMaps and Secrets. */
function dataNamedBy(value: Readonly<Record<string, unknown>>): string[] {
  const generators = [...list(value.configMapGenerator), ...list(value.secretGenerator)].filter(isRecord)
  const keyed = generators.flatMap(({ files }) => texts(list(files)).map((file) => file.replace(/^[^=]*=/, '')))
  return texts([...keyed, ...generators.flatMap(({ env, envs }) => [env, ...list(envs)])])
}

const texts = (values: readonly unknown[]): string[] =>
  values.filter((one): one is string => typeof one === 'string' && one !== '')
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const member = (key: string) => (value: unknown) => (isRecord(value) ? value[key] : undefined)

/** Text of YAML in the place of a file's name. */
const isInline = (name: string): boolean => name.includes('\n') || /^\s*[[{]|:\s/.test(name)

/** An address, or what kustomize takes for one: a repository of git. */
const isRemote = (name: string): boolean =>
  /^[\w+.-]+:|^\w+@|[?&](?:ref|version|timeout|submodules)=|\.git(?:$|[/?])|^[\w-]+(?:\.[\w-]+)+\//.test(name)
