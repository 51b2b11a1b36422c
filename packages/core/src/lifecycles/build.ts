import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pMap from 'p-map'
import type { Clock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { CallableHooks, FoundImage } from '../hooks.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { CarriedImage, ClusterConfig, PlatformImage, RootfsLayer } from '../image/cluster-config.ts'
import type { PlatformParts } from '../image/cluster-image.ts'
import { sealImage } from '../image/cluster-image.ts'
import type { LayerEntry } from '../image/layer.ts'
import { LayerCache } from '../image/layer-cache.ts'
import { FileDigests } from '../image/layer-digests.ts'
import { annotations } from '../image/oci.ts'
import { fullName, parseReference } from '../image/reference.ts'
import type { RegistryClient } from '../image/registry-client.ts'
import { type LocalStore, openStore } from '../image/store.ts'
import { baseOf, unusedArguments } from '../kubefile/arguments.ts'
import { BuildContext } from '../kubefile/context.ts'
import { type Draft, type DraftLayer, draftImage, labels } from '../kubefile/draft.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { partsOf } from '../kubefile/parts.ts'
import { readSource } from '../kubefile/read-source.ts'
import type { Logger } from '../logger.ts'
import { ImageCarrier, type UnpackedImage } from '../manifests/carry-images.ts'
import { type Chart, type ChartTool, imagesInChart } from '../manifests/chart.ts'
import { findImages } from '../manifests/find-images.ts'
import { findHelm, machinePlatform } from '../manifests/helm-program.ts'
import type { BuildOptions, Images } from '../sealer.ts'
import type { Secrets } from '../secrets.ts'
import type { BuildReport, BuildSource } from './build-types.ts'

/** What a build needs of the sealer it belongs to. */
export interface BuildServices {
  /** As in `SealerOptions`. */
  readonly home: string
  readonly hooks: CallableHooks
  readonly images: Images
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
}

/** Everything that the platforms of one build share. */
interface Workshop {
  readonly source: BuildSource
  readonly options: BuildOptions
  readonly services: BuildServices
  readonly store: LocalStore
  readonly cache: string
  readonly context: BuildContext
  readonly layers: LayerCache
  readonly carrier: ImageCarrier
  readonly say: (line: string) => void
}

/** One platform, ready to be sealed. */
interface BuiltPlatform {
  readonly parts: PlatformParts
  readonly layers: { readonly cached: number; readonly total: number }
}

/** Read this function to know what "build" means. */
export async function buildImage(options: BuildOptions, services: BuildServices): Promise<BuildReport> {
  const tag = fullName(parseReference(options.tag)) // a bad name is told before any work
  const { platforms = [machinePlatform()], signal } = options
  const source = await services.hooks.build.kubefile.promise(await readSource({ ...options, platforms }))
  const digests = await FileDigests.open(join(services.home, 'cache', 'digests'), source.context)
  await using registry = lazyRegistry(services)
  const workshop = openWorkshop(source, options, services, digests, registry)
  warnOfArguments(workshop)
  await fetchBases(workshop)
  const built = await allDone(source.platforms.map((platform) => buildPlatform(platform, workshop)))
  await digests.save()
  signal?.throwIfAborted()
  const { digest } = await sealImage(workshop.store, { tag, platforms: built.map(({ parts }) => parts) })
  const report = reportOf(tag, digest, built)
  await services.hooks.build.sealed.promise(report)
  return report
}

function openWorkshop(
  source: BuildSource,
  options: BuildOptions,
  services: BuildServices,
  digests: FileDigests,
  registry: LazyRegistry,
): Workshop {
  const cache = join(services.home, 'cache')
  const store = openStore(services.images.store.path, services.clock)
  const context = new BuildContext(source.context, digests)
  const say = (line: string) => options.onProgress?.(line)
  const fresh = options.noCache === true || options.pull === 'always'
  return {
    source,
    options,
    services,
    store,
    cache,
    context,
    layers: new LayerCache(join(cache, 'layers'), store.blobs),
    carrier: new ImageCarrier({
      context,
      digests,
      blobs: store.blobs,
      folder: join(cache, 'container-images'),
      fetchImage: async (reference, platform) => {
        say(`${platformText(platform)}: fetch ${reference}`)
        return (await registry.client()).fetchImage(reference, platform, store.blobs, { signal: options.signal })
      },
      fresh,
    }),
    say,
  }
}

interface LazyRegistry extends AsyncDisposable {
  client(): Promise<RegistryClient>
}

/** A registry client that is made when the first image must be fetched: with it comes the HTTP library. */
function lazyRegistry({ home, clock, secrets }: BuildServices): LazyRegistry {
  let made: Promise<RegistryClient> | undefined
  const make = async () => {
    const { RegistryClient } = await import('../image/registry-client.ts')
    return new RegistryClient({ home, clock, secrets })
  }
  return {
    client: () => {
      made ??= make()
      return made
    },
    [Symbol.asyncDispose]: async () => (await made)?.[Symbol.asyncDispose](),
  }
}

function warnOfArguments({ source, services }: Workshop): void {
  for (const name of unusedArguments(source.kubefile, source.buildArgs)) {
    services.logger.warn(`${source.kubefile.file}: the build argument ${name} is given, but no ARG declares it.`)
  }
}

/** Pulls the base of each platform unless the store has it. */
async function fetchBases({ source, options, services, store, say }: Workshop): Promise<void> {
  const wanted = new Map<string, Platform[]>()
  for (const platform of source.platforms) {
    const base = baseOf(source.kubefile, platform, source.buildArgs)
    if (base !== undefined) wanted.set(base, [...(wanted.get(base) ?? []), platform])
  }
  for (const [base, platforms] of wanted) {
    const { pull = 'missing', signal } = options
    if (pull !== 'always' && (await holds(store, base, platforms))) continue
    if (pull === 'never') throw buildErrors.BUILD_BASE_MISSING({ image: base })
    say(`pull ${base}`)
    await services.images.pull(base, { platforms, ...(signal && { signal }) })
  }
}

async function holds(store: LocalStore, reference: string, platforms: readonly Platform[]): Promise<boolean> {
  try {
    const image = await store.resolve(reference)
    await Promise.all(platforms.map((platform) => store.platform(image, platform)))
    return true
  } catch (error) {
    if (SealerError.is(error) && ['IMAGE_NOT_FOUND', 'IMAGE_PLATFORM_MISSING', 'IMAGE_INCOMPLETE'].includes(error.code))
      return false
    throw error
  }
}

/** FROM and what is added to it, for one platform. */
async function buildPlatform(platform: Platform, workshop: Workshop): Promise<BuiltPlatform> {
  const { source, options, services, context } = workshop
  const base = await baseImage(platform, platform, workshop)
  const draft = await draftImage({
    kubefile: source.kubefile,
    platform,
    base: base?.config,
    buildArgs: source.buildArgs,
    context,
    downloads: join(workshop.cache, 'downloads'),
    logger: services.logger,
    ...(options.signal && { signal: options.signal }),
  })
  const entries = lastAtEachPath(draft.layers)
  const config = await configOf(platform, draft, entries, base?.config, options)
  const [packed, images] = await allDone([
    packLayers(draft.layers, platform, workshop),
    containerImages(platform, entries, config, base?.images ?? [], workshop),
  ])
  return {
    parts: {
      platform,
      layers: [...(base?.layers ?? []), ...packed.layers],
      config,
      ociConfig: { Env: Object.entries(config.env).map(([name, value]) => `${name}=${value}`), Labels: config.labels },
      images,
    },
    layers: packed.counts,
  }
}

/** The base for one platform of the build, as it is for `machine`. */
async function baseImage(
  platform: Platform,
  machine: Platform,
  { source, store }: Workshop,
): Promise<PlatformImage | undefined> {
  const base = baseOf(source.kubefile, platform, source.buildArgs)
  return base === undefined ? undefined : store.platform(await store.resolve(base), machine)
}

/** Later layers hide what earlier ones have at the same path. */
function lastAtEachPath(layers: readonly DraftLayer[]): LayerEntry[] {
  const entries = new Map<string, LayerEntry>()
  for (const entry of layers.flatMap((layer) => layer.entries)) entries.set(entry.path, entry)
  return [...entries.values()]
}

async function configOf(
  platform: Platform,
  draft: Draft,
  entries: readonly LayerEntry[],
  base: ClusterConfig | undefined,
  options: BuildOptions,
): Promise<ClusterConfig> {
  const allLabels = { ...draft.labels, ...options.labels }
  const version = allLabels[labels.runtimeVersion]
  return {
    schemaVersion: 1,
    type: options.type ?? base?.type ?? 'kube-installer',
    platform,
    runtime: { type: allLabels[labels.runtimeType] ?? 'kubernetes', ...(version !== undefined && { version }) },
    apps: draft.apps,
    launch: draft.launch,
    cmds: draft.cmds,
    env: draft.env,
    labels: allLabels,
    requirements: draft.kubernetes === undefined ? {} : { kubernetes: draft.kubernetes },
    ...(await partsOf(entries, base)),
  }
}

/** zlib works beside the main thread, so two layers at once use two cores. */
const layersAtOnce = 2

async function packLayers(drafts: readonly DraftLayer[], platform: Platform, { layers, options, say }: Workshop) {
  const mtime = Number(process.env.SOURCE_DATE_EPOCH ?? 0)
  const recipes = drafts.length === 0 ? [{ createdBy: 'nothing added', entries: [] }] : drafts
  const packed = await pMap(
    recipes,
    async ({ createdBy, entries }) => {
      const { layer, cached } = await layers.layer(
        { entries, mtime },
        { fresh: options.noCache === true, ...(options.signal && { signal: options.signal }) },
      )
      say(`${platformText(platform)}: ${createdBy}${cached ? ' (cached)' : ''}`)
      const noted: RootfsLayer = {
        ...layer,
        blob: { ...layer.blob, annotations: { [annotations.createdBy]: createdBy } },
      }
      return { noted, cached }
    },
    { concurrency: layersAtOnce },
  )
  return {
    layers: packed.map(({ noted }) => noted),
    counts: { cached: packed.filter(({ cached }) => cached).length, total: packed.length },
  }
}

/** Finds the container images that the files name, and brings them into the store. */
async function containerImages(
  platform: Platform,
  entries: readonly LayerEntry[],
  config: ClusterConfig,
  base: readonly CarriedImage[],
  workshop: Workshop,
): Promise<CarriedImage[]> {
  const { options, services, source, carrier, say } = workshop
  const renderChart = await chartRenderer(platform, entries, config, workshop)
  const { images, archives, doubts } = await findImages({
    entries,
    apps: config.apps,
    renderChart,
    ...(await listOf(options)),
  })
  for (const doubt of doubts) services.logger.warn(doubt)
  const unpacked = await carrier.unpack(archives, platform)
  const found = await services.hooks.build.images.promise(withUnpacked(images, unpacked), source)
  say(`${platformText(platform)}: ${found.length} container images`)
  return carrier.carry(found, { archives: unpacked.map(({ image }) => image), base }, platform, options.signal)
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

async function listOf({ imageList: file }: BuildOptions) {
  if (file === undefined) return {}
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw buildErrors.IMAGE_LIST_INVALID({ place: file, reason: 'this list cannot be read.' }, { cause })
  })
  return { list: { file, text } }
}

/** Looks for helm only if there is a chart to render. */
async function chartRenderer(
  platform: Platform,
  entries: readonly LayerEntry[],
  config: ClusterConfig,
  workshop: Workshop,
) {
  if (!entries.some(({ path }) => /(?:\/Chart\.yaml|\.tgz)$/.test(path))) return undefined
  const { store, cache, options } = workshop
  const machine = await baseImage(platform, machinePlatform(), workshop).catch(() => undefined)
  const helm = await findHelm({ entries, platform, base: machine, blobs: store.blobs, folder: join(cache, 'programs') })
  if (helm === undefined) return undefined
  const tool: ChartTool = {
    helm,
    notes: new CacheNotes(join(cache, 'charts')),
    ...(config.runtime.version !== undefined && { kubernetes: config.runtime.version }),
    ...(options.signal && { signal: options.signal }),
  }
  return (chart: Chart) => imagesInChart(chart, tool)
}

/** Waits for all, then throws the first failure: nothing works on behind the caller's back. */
async function allDone<T extends readonly Promise<unknown>[] | []>(
  work: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}

function reportOf(reference: string, digest: string, built: readonly BuiltPlatform[]): BuildReport {
  const sum = (count: (platform: BuiltPlatform) => number) =>
    built.reduce((total, platform) => total + count(platform), 0)
  return {
    reference,
    digest,
    platforms: built.map(({ parts }) => parts.platform),
    layers: { cached: sum(({ layers }) => layers.cached), total: sum(({ layers }) => layers.total) },
    images: [...new Set(built.flatMap(({ parts }) => parts.images.map((image) => image.reference)))].sort(),
  }
}
