import { join } from 'node:path'
import type { FoundImage } from '../hooks.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { CarriedImage, ClusterConfig, PlatformImage } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import type { UnpackedImage } from '../manifests/carry-images.ts'
import { findImages, type NamedImages, type SearchInput } from '../manifests/find-images.ts'
import { programFinder } from '../manifests/programs.ts'
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
  const { platform, entries, base } = image
  const { hooks, logger, source, carrier, say, wishes } = workshop
  const readers = await hooks.build.readers.promise([])
  const rules = [...wishes.rules, ...(await hooks.build.rules.promise([]))]
  const search = searchIn(image, workshop, signal)
  const { images, archives, doubts } = await findImages({ ...wishes, entries, rules, search }, readers)
  for (const { place, reason, minor } of doubts) logger[minor ? 'debug' : 'warn'](`${place}: ${reason}`)
  for (const name of workshop.valueSets.unused())
    logger.warn(`There are value sets for the chart ${name}, which this build does not have.`)
  const unpacked = await carrier.unpack(archives, platform)
  const found = await hooks.build.images.promise(withUnpacked(images, unpacked), source)
  say(`${platformText(platform)}: ${found.length} container images`)
  const near = { archives: unpacked.map((one) => one.image), base: base?.images ?? [] }
  return carrier.carry(found, near, platform, signal)
}

/** Images of archives are found by the line that lists the archive, and perhaps by a manifest too. */
function withUnpacked(images: readonly NamedImages[], unpacked: readonly UnpackedImage[]): FoundImage[] {
  const found = new Map<string, FoundImage>(
    images.map(({ reference, apps, reasons }) => [reference, { reference, apps, reasons }]),
  )
  for (const { image, place } of unpacked) {
    const { reference } = image
    const { apps = [], reasons = [] } = found.get(reference) ?? {}
    found.set(reference, { reference, apps, reasons: [...reasons, place] })
  }
  return [...found.values()]
}

/** What readers may know of the image; programs are looked for when the first source needs one. */
function searchIn(
  { platform, entries, config, machineBase }: Carrier,
  { store, cache, logger, valueSets }: Workshop,
  signal: AbortSignal,
): SearchInput['search'] {
  const { version } = config.runtime
  const folder = join(cache, 'programs')
  const placesOf = async () => ({ entries, platform, base: await machineBase(), blobs: store.blobs, folder })
  return {
    apps: config.apps,
    settingsOf: (chart) => valueSets.of(chart, version),
    cache,
    signal,
    program: programFinder(placesOf, ([name], program) =>
      logger.info(`${name === 'helm' ? 'charts' : 'kustomizations'} are rendered by ${program}`),
    ),
  }
}
