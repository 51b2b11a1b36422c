import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import type { CacheNotes } from '../image/cache-notes.ts'
import { fileStamp } from '../image/layer-digests.ts'
import { definedApiVersions } from './api-versions.ts'
import { ChartProblem } from './chart-archive.ts'
import { unfoldChart } from './chart-files.ts'
import { type ChartTree, chartsOf } from './chart-tree.ts'
import { imagesInValues, notRendered } from './chart-values.ts'
import { ProgramProblem } from './closed-program.ts'
import { renderChart } from './helm-template.ts'
import type { ImageSearch, LeftOut, NamedAt, ReadImages, SearchedFile } from './image-reader.ts'
import { isTest, type RenderedPart, renderedParts } from './rendered.ts'
import type { ChartSettings, ValueSet } from './value-sets.ts'

/** A chart in the image that is built. */
export interface Chart {
  /** Where it stands in the image, e.g. `application/apps/cache`, or a packed chart's file. */
  readonly path: string
  /** Its files, and those of charts that it asks for by `file://`. */
  readonly entries: readonly SearchedFile[]
  /** The release's name, which some charts put into names. */
  readonly release: string
}

/** What renders charts. */
export interface ChartTool {
  /** Path of the program. */
  readonly helm: string
  readonly settings: ChartSettings
  /** API groups and versions that others bring, e.g. `monitoring.coreos.com/v1`. */
  readonly apiVersions: readonly string[]
  /** Which rules what comes out is read by. */
  readonly rules: string
  /** Remembers what charts name. */
  readonly notes: CacheNotes
  readonly signal?: AbortSignal
  readonly imagesIn: ImageSearch['imagesIn']
}

/** What a chart names; `problems` are what keeps it from being launched as it is. */
export interface ChartImages extends ReadImages {
  readonly problems: readonly LeftOut[]
  /** API versions that the definitions in its templates bring. */
  readonly defines: readonly string[]
}

/**
 * Renders a chart by the program `helm`, once for each set of values, and reads what comes out. The same chart is rendered once. Never
 * fails for what is in the chart.
 */
export async function imagesInChart(chart: Chart, tool: ChartTool): Promise<ChartImages> {
  const key = await keyOf(chart, tool)
  const known = await tool.notes.read<ChartImages>(key)
  if (known !== undefined) return known
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sealer-chart-')))
  const findings = new ChartFindings(chart.path)
  try {
    await readChart(chart, tool, folder, findings)
    if (findings.result().problems.length === 0) await tool.notes.write(key, findings.result())
  } catch (cause) {
    if (!(cause instanceof ChartProblem)) throw cause
    findings.problem(chart.path, cause.message)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return findings.result()
}

/** Changes whenever what is read out of the same chart would be something else. */
const reading = 3

async function keyOf({ path, release, entries }: Chart, tool: ChartTool): Promise<string> {
  const { helm, settings, apiVersions, rules } = tool
  const files = entries.map((entry) => [entry.path, entry.digest])
  const program = await fileStamp(await realpath(helm))
  return JSON.stringify([reading, path, release, settings, apiVersions, rules, program, files])
}

class ChartFindings {
  /** Every image, left out or not. */
  readonly seen: string[] = []
  readonly #path: string
  readonly #defines = new Set<string>()
  readonly #images = new Map<string, NamedAt>()
  readonly #doubts: LeftOut[] = []
  readonly #problems: LeftOut[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** The first set of values that names an image at a place is the one that is told. */
  image(named: NamedAt, template: string): void {
    const key = `${named.reference} ${template}`
    this.seen.push(named.reference)
    if (!this.#images.has(key)) this.#images.set(key, named)
  }

  define(apiVersions: readonly string[]): void {
    for (const one of apiVersions) this.#defines.add(one)
  }

  leftOutTest(reference: string, place: string): void {
    this.seen.push(reference)
    this.minor(place, `${reference} is run by helm test alone`, reference)
  }

  doubt(doubt: LeftOut): void {
    this.#leaveOut(doubt)
  }

  /** A doubt that nobody needs to hear of while building. */
  minor(place: string, reason: string, reference: string): void {
    this.#leaveOut({ place, reason, reference, minor: true })
  }

  problem(place: string, reason: string): void {
    this.#problems.push({ place, reason })
  }

  /** A template's path begins with the chart's name, wherever the chart stands. */
  at(template: string): string {
    return template === '' ? this.#path : posix.join(this.#path, ...template.split('/').slice(1))
  }

  result(): ChartImages {
    return {
      images: [...this.#images.values()],
      doubts: this.#doubts,
      problems: this.#problems,
      defines: [...this.#defines].sort(),
    }
  }

  /** Several sets of values have the same to say. */
  #leaveOut(doubt: LeftOut): void {
    if (!this.#doubts.some(({ place, reason }) => place === doubt.place && reason === doubt.reason))
      this.#doubts.push(doubt)
  }
}

const placeOf = (place: string, { name }: ValueSet): string => (name === '' ? place : `${place} (values ${name})`)

async function readChart(chart: Chart, tool: ChartTool, folder: string, findings: ChartFindings): Promise<void> {
  const { target, tree, lacking } = await unfoldChart(chart.path, chart.entries, folder)
  if (tree.metadata.type === 'library') return // has nothing that can be installed
  for (const { place, reason } of lacking) findings.problem(place, reason)
  const apiVersions = [...tool.apiVersions, ...(await definedIn(tree))]
  const failures = new Map<ValueSet, string>()
  for (const set of tool.settings.sets) {
    try {
      const output = await renderChart({ target, release: chart.release, set, folder }, { ...tool, apiVersions })
      readOutput(output, set, tool, findings)
    } catch (cause) {
      if (!(cause instanceof ProgramProblem)) throw cause
      readOutput(cause.answer, set, tool, findings)
      failures.set(set, cause.message.replaceAll(target, chart.path).replaceAll(`${folder}/`, ''))
    }
  }
  tellFailures(failures, chart, tool.settings.sets, findings)
  for (const { name, place } of notRendered(await imagesInValues(tree), findings.seen))
    findings.minor(place, `${name} stands in the values, and nothing that they render into names it`, name)
}

/** What the folders `crds` bring: helm installs them before it renders. */
async function definedIn(tree: ChartTree): Promise<string[]> {
  const defined: string[] = []
  for (const { folder } of chartsOf(tree)) {
    const names = await readdir(join(folder, 'crds'), { recursive: true }).catch(() => [])
    for (const name of names.filter((one) => /\.ya?ml$/.test(one)))
      defined.push(...definedApiVersions(await readFile(join(folder, 'crds', name), 'utf8').catch(() => '')))
  }
  return defined
}

function readOutput(output: string, set: ValueSet, tool: ChartTool, findings: ChartFindings): void {
  for (const part of renderedParts(output)) {
    findings.define(definedApiVersions(part.text))
    readPart(part, set, tool, findings)
  }
}

function readPart({ template, text }: RenderedPart, set: ValueSet, tool: ChartTool, findings: ChartFindings): void {
  const place = findings.at(template)
  const { images, doubts } = tool.imagesIn(text)
  const test = images.length > 0 && !tool.settings.tests && isTest(text)
  for (const { reference, field } of images) {
    if (!test) findings.image({ reference, field, place: placeOf(place, set) }, template)
    else findings.leftOutTest(reference, place)
  }
  for (const { line, broken, ...doubt } of doubts) {
    if (broken === undefined) findings.doubt({ ...doubt, place })
    else findings.problem(placeOf(place, set), `line ${line} of what it renders into: ${broken}`)
  }
}

/** A chart may need values: that its own alone do not do is no problem where others do. */
function tellFailures(
  failures: ReadonlyMap<ValueSet, string>,
  { path }: Chart,
  sets: readonly ValueSet[],
  findings: ChartFindings,
): void {
  for (const [set, said] of failures) {
    const own = set.texts.length === 0 && failures.size < sets.length
    if (own) findings.doubt({ place: path, reason: `it does not render with its own values alone:\n${said}` })
    else findings.problem(placeOf(path, set), said)
  }
}
