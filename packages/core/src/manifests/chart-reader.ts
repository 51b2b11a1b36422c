import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { CacheNotes } from '../image/cache-notes.ts'
import type { AppConfig } from '../image/cluster-config.ts'
import { isWithin } from '../image/is-within.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { definedApiVersions } from './api-versions.ts'
import { type Chart, type ChartTool, imagesInChart } from './chart.ts'
import { isPackedChart } from './chart-archive.ts'
import { besidePath } from './chart-files.ts'
import { dependenciesIn } from './chart-tree.ts'
import type { ImageReader, ImageSearch, LeftOut, ReadImages, SearchedFile } from './image-reader.ts'

/** Renders a chart, and reads what comes out. */
export type RenderChart = typeof imagesInChart

/** Reads charts by rendering them with helm. */
export function chartReader(render: RenderChart = imagesInChart): ImageReader {
  let apiVersions: readonly string[] = []
  return {
    name: 'chart',
    claim: async (files, search) => {
      const charts = await chartsIn(files, search)
      if (charts.length > 0)
        apiVersions = unique([...(await definedIn(files)), ...(await definedByCharts(charts, search, render))])
      return charts.map(({ path, entries }) => ({ path, files: entries }))
    },
    read: async ({ path, files }, search) => {
      const chart = { path, entries: files, release: releaseOf(path, search.apps) }
      return readChart(chart, { search, apiVersions, render })
    },
  }
}

interface Rendering {
  readonly search: ImageSearch
  readonly apiVersions: readonly string[]
  readonly render: RenderChart
}

/** @throws CHART_INVALID, CHART_TOOL_MISSING, VALUES_INVALID */
async function readChart(chart: Chart, { search, apiVersions, render }: Rendering): Promise<ReadImages> {
  const { listed, lenient } = search
  const strict = !listed && lenient !== true
  const tool = await toolFor(chart, search)
  if (tool === undefined && strict) throw buildErrors.CHART_TOOL_MISSING({ chart: chart.path })
  if (tool === undefined) {
    const trust = listed ? '; the image lists are trusted to name its images' : ''
    return { images: [], doubts: [{ place: chart.path, reason: `there is no helm to render this chart${trust}` }] }
  }
  const told = (await asksForApis(chart)) ? apiVersions : []
  const { images, doubts, problems } = await render(chart, { ...tool, apiVersions: told })
  const [problem] = problems
  if (problem !== undefined && strict) throw buildErrors.CHART_INVALID({ chart: problem.place, reason: problem.reason })
  return { images, doubts: [...problems, ...doubts].map(onOneLine) }
}

/** What helm says has many lines. */
const onOneLine = ({ reason, ...rest }: LeftOut): LeftOut => ({ ...rest, reason: reason.replaceAll(/\s*\n\s*/g, ' ') })

async function toolFor(
  chart: Chart,
  { program, settingsOf, cache, imagesIn, rules, signal }: ImageSearch,
): Promise<Omit<ChartTool, 'apiVersions'> | undefined> {
  const helm = await program('helm')
  if (helm === undefined) return undefined
  const notes = new CacheNotes(join(cache, 'charts'))
  return { helm, settings: await settingsOf(chart), notes, imagesIn, rules, ...(signal !== undefined && { signal }) }
}

/** What charts define in their templates, for the other charts that ask what the cluster serves. */
async function definedByCharts(
  charts: readonly Omit<Chart, 'release'>[],
  search: ImageSearch,
  render: RenderChart,
): Promise<string[]> {
  const asking = await Promise.all(charts.map(asksForApis))
  if (charts.length < 2 || !asking.includes(true)) return []
  const defined: string[] = []
  for (const one of charts) {
    const chart = { ...one, release: releaseOf(one.path, search.apps) }
    const tool = await toolFor(chart, search)
    if (tool !== undefined) defined.push(...(await render(chart, { ...tool, apiVersions: [] })).defines)
  }
  return defined
}

/** Whether what a chart renders into depends on what the cluster serves; a packed one may. */
async function asksForApis({ entries }: Pick<Chart, 'entries'>): Promise<boolean> {
  for (const { path, source, size } of entries) {
    if (path.endsWith('.tgz')) return true
    if (!path.includes('templates/') || size > largestManifest) continue
    if ((await readFile(source, 'utf8')).includes('APIVersions')) return true
  }
  return false
}

/** Apps that are charts, and every other folder or archive that is one; a chart inside a chart belongs to it. */
async function chartsIn(
  files: readonly SearchedFile[],
  { apps, beside = [] }: ImageSearch,
): Promise<Omit<Chart, 'release'>[]> {
  const folders = files
    .filter(({ path }) => posix.basename(path) === 'Chart.yaml')
    .map(({ path }) => posix.dirname(path))
  const packed: string[] = []
  for (const { path, source } of files) if (path.endsWith('.tgz') && (await isPackedChart(source))) packed.push(path)
  const charts = [...new Set([...apps.flatMap(chartOf), ...folders, ...packed])]
  const outermost = charts.filter((path) => !charts.some((other) => other !== path && isWithin(path, other)))
  const claims = outermost.map(async (path) => ({ path, entries: await filesOf(path, [...files, ...beside]) }))
  return (await Promise.all(claims)).filter(({ entries }) => entries.length > 0)
}

/** The files of a chart, and of the charts beside it that it asks for by `file://`. */
async function filesOf(path: string, files: readonly SearchedFile[]): Promise<SearchedFile[]> {
  const paths = new Set([path])
  for (const chart of paths) {
    const file = files.find((one) => one.path === posix.join(chart, 'Chart.yaml'))
    const asked = file === undefined ? [] : await dependenciesIn(file.source)
    for (const { repository } of asked) {
      const beside = besidePath(chart, repository)
      if (beside !== undefined && !isWithin(beside, path)) paths.add(beside)
    }
  }
  return files.filter((file) => [...paths].some((one) => isWithin(file.path, one)))
}

/** What the definitions of custom resources bring that stand in plain files: somebody installs them, and charts may ask for them. */
async function definedIn(files: readonly SearchedFile[]): Promise<string[]> {
  const defined = new Set<string>()
  for (const { path, source, size } of files) {
    if (!/\.ya?ml$/.test(path) || size > largestManifest) continue
    for (const version of definedApiVersions(await readFile(source, 'utf8'))) defined.add(version)
  }
  return [...defined]
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort()

const largestManifest = 16 * 1024 ** 2

/** The app's name, else the chart's own, as far as helm takes it for a release. */
function releaseOf(path: string, apps: readonly AppConfig[]): string {
  const app = apps.find((one) => chartOf(one).includes(path))
  const name = posix
    .basename(path)
    .replace(/(?:-[0-9].*)?\.tgz$/, '')
    .toLowerCase()
  return (
    app?.name ??
    (name
      .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .slice(0, 53) ||
      'release')
  )
}

const chartOf = ({ name, type, files: [file = '.'] }: AppConfig): string[] =>
  type === 'helm' ? [posix.join('application/apps', name, file)] : []
