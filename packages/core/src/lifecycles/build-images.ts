import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FoundImage } from '../hooks.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { CarriedImage, ClusterConfig, PlatformImage } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { UnpackedImage } from '../manifests/carry-images.ts'
import { type Chart, type ChartTool, imagesInChart } from '../manifests/chart.ts'
import { findImages } from '../manifests/find-images.ts'
import { findHelm } from '../manifests/helm-program.ts'
import type { Workshop } from './build-workshop.ts'

/** One platform of an image, its files and config known, its container images not yet. */
export interface Carrier {
  readonly platform: Platform
  /** What stands at each path that this build has added. */
  readonly entries: readonly LayerEntry[]
  readonly config: ClusterConfig
  readonly base: PlatformImage | undefined
  /** The base as this machine could run it, for the programs in it. */
  readonly machineBase: () => Promise<PlatformImage | undefined>
}

/** Finds the container images that the files name, and brings them into the store. */
export async function containerImages(
  image: Carrier,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<CarriedImage[]> {
  const { platform, entries, config, base } = image
  const { options, hooks, logger, source, carrier, say } = workshop
  const list = await listOf(options.imageList)
  const renderChart = await chartRenderer(image, workshop, signal)
  const { images, archives, doubts } = await findImages({
    entries,
    apps: config.apps,
    renderChart,
    ...(list && { list }),
  })
  for (const doubt of doubts) logger.warn(doubt)
  const unpacked = await carrier.unpack(archives, platform)
  const found = await hooks.build.images.promise(withUnpacked(images, unpacked), source)
  say(`${platformText(platform)}: ${found.length} container images`)
  const near = { archives: unpacked.map((one) => one.image), base: base?.images ?? [] }
  return carrier.carry(found, near, platform, signal)
}

/** Images of archives are found by the line that lists the archive, and perhaps by a manifest too. */
function withUnpacked(images: readonly FoundImage[], unpacked: readonly UnpackedImage[]): FoundImage[] {
  const found = new Map(images.map((image) => [image.reference, image]))
  for (const { image, place } of unpacked) {
    const { reference } = image
    const { apps = [], reasons = [] } = found.get(reference) ?? {}
    found.set(reference, { reference, apps, reasons: [...reasons, place] })
  }
  return [...found.values()]
}

async function listOf(file: string | undefined) {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw buildErrors.IMAGE_LIST_INVALID({ place: file, reason: 'this list cannot be read.' }, { cause })
  })
  return { file, text }
}

/** Looks for helm only if there is a chart to render. */
async function chartRenderer(
  { platform, entries, config, machineBase }: Carrier,
  workshop: Workshop,
  signal: AbortSignal,
) {
  if (!entries.some(({ path }) => /(?:\/Chart\.yaml|\.tgz)$/.test(path))) return undefined
  const { store, cache, logger } = workshop
  const base = await machineBase()
  const helm = await findHelm({ entries, platform, base, blobs: store.blobs, folder: join(cache, 'programs') })
  if (helm === undefined) return undefined
  logger.info(`charts are rendered by ${helm}`)
  const { version } = config.runtime
  const notes = new CacheNotes(join(cache, 'charts'))
  const tool: ChartTool = { helm, notes, signal, ...(version !== undefined && { kubernetes: version }) }
  return (chart: Chart) => imagesInChart(chart, tool)
}
