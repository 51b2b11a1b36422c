import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { buildErrors } from '../kubefile/errors.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** Values that a chart may be run with: texts of YAML, of which later ones win, as in `helm --values`. */
export interface ValueSet {
  /** As reasons name it. */
  readonly name: string
  readonly texts: readonly string[]
}

/** How one chart is rendered. */
export interface ChartSettings {
  /** Each is rendered by itself; the images of all are united. Without values it is the chart's own. */
  readonly sets: readonly ValueSet[]
  /** Images of `helm test` are carried as well. */
  readonly tests: boolean
  readonly kubernetes?: string
  readonly apiVersions: readonly string[]
}

/** What is said about charts outside of them: in a file of value sets, and on the command line. */
export interface ChartWishes {
  /** File of value sets, absolute; its paths are relative to it. `sealer.values.yaml` of the context when nothing is said. */
  readonly file?: string
  /** Absolute paths of the files of one more value set, for all charts; `CHART=FILE` is for that chart alone. */
  readonly values?: readonly string[]
  /** Whether the chart's own values are rendered beside given ones; they are when nothing is said. */
  readonly defaults?: boolean
  readonly kubernetes?: string
  readonly apiVersions?: readonly string[]
}

const text = z.string().min(1)
const setSchema = z.strictObject({
  name: text,
  files: z.array(text).optional(),
  values: z.record(z.string(), z.unknown()).optional(),
})
const schema = z.strictObject({
  kubeVersion: text.optional(),
  apiVersions: z.array(text).optional(),
  charts: z
    .record(
      text,
      z.strictObject({
        defaults: z.boolean().optional(),
        tests: z.boolean().optional(),
        sets: z.array(setSchema).optional(),
      }),
    )
    .optional(),
})
type ValueSetsFile = z.infer<typeof schema>

const largest = 5 * 1024 ** 2

/** The value sets of all charts. */
export class ValueSets {
  readonly #wishes: ChartWishes
  readonly #file: ValueSetsFile
  readonly #used = new Set<string>()

  private constructor(wishes: ChartWishes, file: ValueSetsFile) {
    this.#wishes = wishes
    this.#file = file
  }

  /**
   * Opens the file that is named, else `sealer.values.yaml` of the folder, if it is there.
   * @throws VALUES_INVALID
   */
  static async open(wishes: ChartWishes, folder: string): Promise<ValueSets> {
    const usual = join(folder, 'sealer.values.yaml')
    const file = wishes.file ?? (existsSync(usual) ? usual : undefined)
    return file === undefined ? new ValueSets(wishes, {}) : new ValueSets({ ...wishes, file }, await readSets(file))
  }

  /**
   * Settings of a chart, which is named by its release (an app's name) or its path; `kubernetes` is what it runs on if nobody says otherwise.
   * @throws VALUES_INVALID
   */
  async of(
    chart: { readonly path: string; readonly release: string },
    kubernetes: string | undefined,
  ): Promise<ChartSettings> {
    const { values = [], defaults, apiVersions = [] } = this.#wishes
    const names = [chart.path, chart.release]
    const listed = names.flatMap((name) => {
      const entry = this.#file.charts?.[name]
      if (entry === undefined) return []
      this.#used.add(name)
      return [entry]
    })
    const sets = await Promise.all(listed.flatMap((entry) => entry.sets ?? []).map((set) => this.#read(set)))
    const given = values.flatMap((value) => fileFor(value, names))
    // Reasons are kept in the image: the same build elsewhere gives the same bytes.
    const name = given.map((file) => basename(file)).join(',')
    if (given.length > 0) sets.push({ name, texts: await Promise.all(given.map(readValues)) })
    const own = (defaults ?? !listed.some((entry) => entry.defaults === false)) || sets.length === 0
    const version = this.#wishes.kubernetes ?? this.#file.kubeVersion ?? kubernetes
    return {
      sets: [...(own ? [{ name: '', texts: [] }] : []), ...sets],
      tests: listed.some((entry) => entry.tests === true),
      ...(version !== undefined && { kubernetes: version }),
      apiVersions: [...apiVersions, ...(this.#file.apiVersions ?? [])],
    }
  }

  /** Charts that the file speaks of and that nobody has asked for. */
  unused(): readonly string[] {
    return Object.keys(this.#file.charts ?? {}).filter((name) => !this.#used.has(name))
  }

  async #read({ name, files = [], values }: z.infer<typeof setSchema>): Promise<ValueSet> {
    const { file = '' } = this.#wishes
    const texts = await Promise.all(files.map((path) => readValues(inside(path, file))))
    return { name, texts: values === undefined ? texts : [...texts, JSON.stringify(values)] }
  }
}

/** `FILE` for every chart, `CHART=FILE` for one. */
function fileFor(value: string, names: readonly string[]): string[] {
  const at = value.indexOf('=')
  if (at < 0) return [value]
  return names.includes(value.slice(0, at)) ? [value.slice(at + 1)] : []
}

/** A file that a list names, which may come from elsewhere: it stays in the list's folder. */
function inside(path: string, list: string): string {
  const folder = dirname(list)
  const file = resolve(folder, path)
  const way = relative(folder, file)
  if (isAbsolute(path) || way.startsWith('..'))
    throw buildErrors.VALUES_INVALID({ file: list, reason: `${path} lies outside of its folder` })
  return file
}

async function readSets(file: string): Promise<ValueSetsFile> {
  const value = documentOf(await readValues(file), file)
  const checked = schema.safeParse(value ?? {})
  const [issue] = checked.error?.issues ?? []
  if (checked.data !== undefined) return checked.data
  throw buildErrors.VALUES_INVALID({ file, reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` })
}

/** Values must be a map, or helm would say so for every chart. */
async function readValues(file: string): Promise<string> {
  const content = await readFile(file).catch((cause: Error) => {
    throw buildErrors.VALUES_INVALID({ file, reason: cause.message }, { cause })
  })
  if (content.length > largest) throw buildErrors.VALUES_INVALID({ file, reason: 'it is larger than 5 MiB' })
  const values = content.toString('utf8')
  const value = documentOf(values, file)
  if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value)))
    throw buildErrors.VALUES_INVALID({ file, reason: 'values are a map of names and values' })
  return values
}

function documentOf(yaml: string, file: string): unknown {
  try {
    return yamlDocuments(yaml)[0]?.value
  } catch (cause) {
    if (!(cause instanceof YamlProblem)) throw cause
    throw buildErrors.VALUES_INVALID({ file, reason: `line ${cause.line}: ${cause.message}` }, { cause })
  }
}
