import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { LayerEntry } from '../image/layer.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { imagesInManifest, type ManifestImages } from './manifest-images.ts'
import { YamlProblem } from './yaml-documents.ts'

const run = promisify(execFile)

/** A chart in the image that is built. */
export interface Chart {
  /** Where it stands in the image, e.g. `application/apps/cache`, or a packed chart's file. */
  readonly path: string
  readonly entries: readonly LayerEntry[]
  /** The release's name, which some charts put into names. */
  readonly release: string
}

/** What a chart renders into names these images; `place` is the template. */
export interface ChartImages {
  readonly images: readonly { readonly reference: string; readonly place: string }[]
  readonly doubts: readonly { readonly reason: string; readonly place: string }[]
}

/** Renders a chart with its own values, by the program `helm`, and reads what comes out. @throws CHART_INVALID */
export async function imagesInChart(
  chart: Chart,
  helm: string,
  kubernetes: string | undefined,
  signal?: AbortSignal,
): Promise<ChartImages> {
  const folder = await mkdtemp(join(tmpdir(), 'sealer-chart-'))
  try {
    const rendered = await render(await unfold(chart, folder), helm, chart, folder, kubernetes, signal)
    return withPlaces(read(rendered, chart), rendered, chart)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Puts the chart's files together, since they may come from several sources. Gives what helm is pointed at. */
async function unfold({ path, entries }: Chart, folder: string): Promise<string> {
  for (const entry of entries) {
    if (entry.kind !== 'file') continue
    const file = join(folder, 'chart', entry.path.slice(dirname(path).length + 1))
    await mkdir(dirname(file), { recursive: true })
    await copyFile(entry.source, file)
  }
  return join(folder, 'chart', path.slice(dirname(path).length + 1))
}

/** helm's own settings and caches are kept out: a build depends on its context alone. */
async function render(
  target: string,
  helm: string,
  chart: Chart,
  folder: string,
  kubernetes: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const version = kubernetes === undefined ? [] : ['--kube-version', kubernetes]
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
function withPlaces({ images, doubts }: ManifestImages, rendered: string, { path }: Chart): ChartImages {
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
