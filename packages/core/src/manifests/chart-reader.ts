import { join, posix } from 'node:path'
import { CacheNotes } from '../image/cache-notes.ts'
import type { AppConfig } from '../image/cluster-config.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { type Chart, imagesInChart } from './chart.ts'
import type { ImageReader, ImageSearch, ReadImages, SearchedFile } from './image-reader.ts'

/** Renders a chart, and reads what comes out. */
export type RenderChart = typeof imagesInChart

/** Reads charts by rendering them with helm. */
export function chartReader(render: RenderChart = imagesInChart): ImageReader {
  return {
    name: 'chart',
    claim: (files, { apps }) => chartsIn(files, apps).map(({ path, entries }) => ({ path, files: entries })),
    read: async ({ path, files }, search) =>
      readChart({ path, entries: files, release: releaseOf(path, search.apps) }, search, render),
  }
}

/** @throws CHART_INVALID, CHART_TOOL_MISSING */
async function readChart(chart: Chart, search: ImageSearch, render: RenderChart): Promise<ReadImages> {
  const { kubernetes, signal, listed, cache } = search
  const helm = await search.helm()
  if (helm === undefined && !listed) throw buildErrors.CHART_TOOL_MISSING({ chart: chart.path })
  if (helm === undefined) {
    const reason = 'there is no helm to render this chart; the image lists are trusted to name its images'
    return { images: [], doubts: [{ place: chart.path, reason }] }
  }
  return await render(chart, {
    helm,
    notes: new CacheNotes(join(cache, 'charts')),
    ...(kubernetes !== undefined && { kubernetes }),
    ...(signal !== undefined && { signal }),
  })
}

/** Apps that are charts, charts below `charts/`, and those that other apps bring along; a chart inside a chart belongs to it. */
function chartsIn(files: readonly SearchedFile[], apps: readonly AppConfig[]): Omit<Chart, 'release'>[] {
  const loose = files
    .filter(({ path }) => /^(?:charts|application\/apps)\/.*\/Chart\.yaml$|^charts\/.*\.tgz$/.test(path))
    .map(({ path }) => (path.endsWith('.tgz') ? path : posix.dirname(path)))
  const charts = [...new Set([...apps.flatMap(chartOf), ...loose])]
  return charts
    .filter((path) => !charts.some((other) => other !== path && isWithin(path, other)))
    .map((path) => ({ path, entries: files.filter((file) => isWithin(file.path, path)) }))
    .filter(({ entries }) => entries.length > 0)
}

/** The app's name, else the chart's own. */
function releaseOf(path: string, apps: readonly AppConfig[]): string {
  const app = apps.find((one) => chartOf(one).includes(path))
  return app?.name ?? posix.basename(path).replace(/(?:-[0-9].*)?\.tgz$/, '')
}

const chartOf = ({ name, type, files: [file = '.'] }: AppConfig): string[] =>
  type === 'helm' ? [posix.join('application/apps', name, file)] : []

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
