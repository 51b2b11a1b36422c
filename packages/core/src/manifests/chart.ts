import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import semver from 'semver'
import type { CacheNotes } from '../image/cache-notes.ts'
import { fileStamp } from '../image/layer-digests.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { ReadImages, SearchedFile } from './image-reader.ts'
import { imagesInManifest, type ManifestImages } from './manifest-images.ts'
import { YamlProblem } from './yaml-documents.ts'

const run = promisify(execFile)

/** A chart in the image that is built. */
export interface Chart {
  /** Where it stands in the image, e.g. `application/apps/cache`, or a packed chart's file. */
  readonly path: string
  readonly entries: readonly SearchedFile[]
  /** The release's name, which some charts put into names. */
  readonly release: string
}

/** What renders charts. */
export interface ChartTool {
  /** Path of the program. */
  readonly helm: string
  /** Version that charts are told they run on; without one helm's own idea. */
  readonly kubernetes?: string
  /** Remembers what charts name. */
  readonly notes: CacheNotes
  readonly signal?: AbortSignal
}

/**
 * Renders a chart with its own values, by the program `helm`, and reads what comes out; the same chart is rendered once.
 * @throws CHART_INVALID
 */
export async function imagesInChart(chart: Chart, tool: ChartTool): Promise<ReadImages> {
  const key = await keyOf(chart, tool)
  const known = await tool.notes.read<ReadImages>(key)
  if (known !== undefined) return known
  const folder = await mkdtemp(join(tmpdir(), 'sealer-chart-'))
  try {
    const rendered = await render(await unfold(chart, folder), chart, folder, tool)
    const images = withPlaces(read(rendered, chart), rendered, chart)
    await tool.notes.write(key, images)
    return images
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Changes whenever what is read out of the same chart would be something else. */
const reading = 1

async function keyOf({ path, release, entries }: Chart, { helm, kubernetes }: ChartTool): Promise<string> {
  const files = entries.map(({ path: file, digest }) => [file, digest])
  return JSON.stringify([reading, path, release, kubernetes ?? '', await fileStamp(await realpath(helm)), files])
}

/** Puts the chart's files together, since they may come from several sources. Gives what helm is pointed at. */
async function unfold({ path, entries }: Chart, folder: string): Promise<string> {
  for (const entry of entries) {
    const file = join(folder, 'chart', entry.path.slice(dirname(path).length + 1))
    await mkdir(dirname(file), { recursive: true })
    await copyFile(entry.source, file)
  }
  return join(folder, 'chart', path.slice(dirname(path).length + 1))
}

/** helm's own settings and caches are kept out: a build depends on its context alone. */
async function render(
  target: string,
  chart: Chart,
  folder: string,
  { helm, kubernetes, signal }: ChartTool,
): Promise<string> {
  const version = semver.valid(kubernetes) === null ? [] : ['--kube-version', kubernetes ?? '']
  try {
    const { stdout } = await run(helm, ['template', chart.release, target, ...version], {
      env: { HOME: folder, PATH: process.env.PATH },
      maxBuffer: 256 * 1024 ** 2,
      timeout: 120_000,
      ...(signal === undefined ? {} : { signal }),
    })
    return stdout
  } catch (cause) {
    signal?.throwIfAborted()
    const { stderr = '', message } = cause as Error & { stderr?: string }
    const reason = (stderr.trim() === '' ? message : stderr.trim()).replaceAll(target, chart.path)
    throw buildErrors.CHART_INVALID({ chart: chart.path, reason }, { cause })
  }
}

function read(rendered: string, chart: Chart): ManifestImages {
  try {
    return imagesInManifest(rendered)
  } catch (cause) {
    if (!(cause instanceof YamlProblem)) throw cause
    throw buildErrors.CHART_INVALID(
      { chart: chart.path, reason: `line ${cause.line} of what it renders into: ${cause.message}` },
      { cause },
    )
  }
}

/** helm writes above each document which template it comes from: `# Source: cache/templates/deploy.yaml`. */
function withPlaces({ images, doubts }: ManifestImages, rendered: string, { path }: Chart): ReadImages {
  const lines = rendered.split('\n')
  const placeOf = (line: number): string => {
    const source = lines.slice(0, line).findLast((one) => one.startsWith('# Source: '))
    return source === undefined ? path : `${path}/${source.slice('# Source: '.length).split('/').slice(1).join('/')}`
  }
  return {
    images: images.map(({ reference, line }) => ({ reference, place: placeOf(line) })),
    doubts: doubts.map(({ reason, line }) => ({ reason, place: placeOf(line) })),
  }
}
