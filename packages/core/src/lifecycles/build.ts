import { join } from 'node:path'
import { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { ClusterConfig, PlatformImage, RootfsLayer } from '../image/cluster-config.ts'
import type { PlatformParts } from '../image/cluster-image.ts'
import { sealImage } from '../image/cluster-image.ts'
import { gather, together } from '../image/gather.ts'
import type { LayerEntry } from '../image/layer.ts'
import { foldersOf } from '../image/layer-folders.ts'
import { annotations } from '../image/oci.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { isBelow } from '../image/rootfs-files.ts'
import { baseOf, unusedArguments } from '../kubefile/arguments.ts'
import { type Draft, type DraftLayer, draftImage, labels } from '../kubefile/draft.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { partsOf } from '../kubefile/parts.ts'
import { readSource } from '../kubefile/read-source.ts'
import { machinePlatform } from '../manifests/programs.ts'
import type { BuildOptions } from '../sealer.ts'
import { commandsOn } from './build-commands.ts'
import { containerImages } from './build-images.ts'
import type { BuildReport } from './build-types.ts'
import { type BuildServices, openWorkshop, type Workshop } from './build-workshop.ts'

/** One platform, ready to be sealed. */
interface BuiltPlatform {
  readonly parts: PlatformParts
  readonly layers: BuildReport['layers']
}

/** Read this function to know what "build" means. */
export async function buildImage(options: BuildOptions, services: BuildServices): Promise<BuildReport> {
  const tag = fullName(parseReference(options.tag)) // a bad name is told before any work
  const { platforms = [machinePlatform()], signal } = options
  const source = await services.hooks.build.kubefile.promise(await readSource({ ...options, platforms }))
  await using workshop = await openWorkshop(source, options, services)
  warnOfArguments(workshop)
  await fetchBases(workshop)
  const build = (platform: Platform, stop: AbortSignal) => buildPlatform(platform, workshop, stop)
  const built = await gather(source.platforms, build, { limit: source.platforms.length, signal })
  const read = built.map(({ parts }) => parts)
  await using seen = await observed(read, workshop, services)
  const parts = seen?.parts ?? read
  const { digest } = await sealImage(workshop.store, { tag, platforms: parts, built: true })
  if (options.sbom === true) await attachSbomOf(tag, workshop)
  await workshop.lock?.save(source.platforms, workshop.logger)
  const report = { ...reportOf(tag, digest, built, parts), ...(seen && { observed: seen.observed }) }
  await services.hooks.build.sealed.promise(report)
  return report
}

async function attachSbomOf(tag: string, { store, cache, say, options: { signal } }: Workshop): Promise<void> {
  const { attachSbom, sbomOf } = await import('../sbom/sbom.ts')
  const sbom = await sbomOf(store, tag, cache, signal)
  await attachSbom(store, sbom)
  say(`SBOM of ${sbom.components} components`)
}

/** Undefined when nothing is to be observed. */
async function observed(parts: readonly PlatformParts[], workshop: Workshop, services: BuildServices) {
  const { observe } = workshop.options
  if (observe === undefined) return undefined
  const { observeCluster, requireTrusted } = await import('./observe.ts')
  await requireTrusted(pinnedBase(machinePlatform(), workshop), observe, services)
  return await observeCluster(parts, observe, workshop, services)
}

function warnOfArguments({ source, logger }: Workshop): void {
  for (const name of unusedArguments(source.kubefile, source.buildArgs)) {
    logger.warn(`${source.kubefile.file}: the build argument ${name} is given, but no ARG declares it.`)
  }
}

/** Pulls the base of each platform unless the store has it. */
async function fetchBases(workshop: Workshop): Promise<void> {
  const { source, options, images, say } = workshop
  const wanted = new Map<string, Platform[]>()
  for (const platform of source.platforms) {
    const base = pinnedBase(platform, workshop)
    if (base !== undefined) wanted.set(base, [...(wanted.get(base) ?? []), platform])
  }
  for (const [base, platforms] of wanted) {
    const { pull = 'missing', signal } = options
    const renew = workshop.lock?.renews(base) === true && pull !== 'never'
    const asks = pull === 'always' || renew
    if (!asks && (await holds(base, platforms, workshop))) continue
    if (pull === 'never') throw buildErrors.BUILD_BASE_MISSING({ image: base })
    say(`pull ${base}`)
    const pulling = images.pull(base, { platforms, ...(signal && { signal }) })
    await pulling.catch(async (error: unknown) => {
      // A base that was made on this machine has no registry to renew it from.
      if (!(renew && pull !== 'always' && (await holds(base, platforms, workshop))))
        throw unpinnable(base, error, workshop)
    })
  }
}

/** `FROM` for one platform as a full name, with the digest that the lock file pins. */
function pinnedBase(platform: Platform, { source, lock }: Workshop): string | undefined {
  const base = baseOf(source.kubefile, platform, source.buildArgs)
  if (base === undefined || lock === undefined) return base
  const name = fullName(parseReference(base))
  lock.requireAll('base', [name], platform)
  return lock.pinned('base', name, platform)
}

/** The failure to get a base, told as what it is when the lock file asked for it. */
function unpinnable(base: string, error: unknown, { source, lock }: Workshop): unknown {
  const { digest, ...name } = parseReference(base)
  const pinned =
    digest !== undefined && source.platforms.some((platform) => lock?.pinned('base', fullName(name), platform) === base)
  if (!pinned || !SealerError.is(error)) return error
  return buildErrors.LOCK_BASE_GONE({ image: fullName(name), digest, reason: error.message }, { cause: error })
}

async function holds(reference: string, platforms: readonly Platform[], { images, store }: Workshop): Promise<boolean> {
  const curable = ['IMAGE_NOT_FOUND', 'IMAGE_PLATFORM_MISSING', 'IMAGE_INCOMPLETE']
  try {
    await images.admit(reference)
    const image = await store.resolve(reference)
    for (const platform of platforms) await store.platform(image, platform)
    return true
  } catch (error) {
    if (SealerError.is(error) && curable.includes(error.code)) return false
    throw error
  }
}

/** FROM and what is added to it, for one platform. */
async function buildPlatform(platform: Platform, workshop: Workshop, signal: AbortSignal): Promise<BuiltPlatform> {
  const base = await baseImage(platform, platform, workshop)
  const draft = await draftOn(base, platform, workshop, signal)
  const entries = lastAtEachPath(draft.layers)
  const config = await configOf(platform, draft, entries, base?.config, workshop.options)
  const machineBase = () => baseImage(platform, machinePlatform(), workshop).catch(() => undefined)
  const [packed, images] = await together(
    (stop) => packLayers(draft.layers, platform, workshop, stop),
    (stop) => containerImages({ platform, entries, config, base, machineBase }, workshop, stop),
    signal,
  )
  const Env = Object.entries(config.env).map(([name, value]) => `${name}=${value}`)
  return {
    parts: {
      platform,
      layers: [...(base?.layers ?? []), ...packed.layers],
      config,
      ociConfig: { Env, Labels: config.labels },
      images,
    },
    layers: packed.counts,
  }
}

function draftOn(
  base: PlatformImage | undefined,
  platform: Platform,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<Draft> {
  const { source, context, cache, logger, store } = workshop
  const { kubefile, buildArgs } = source
  const notes = new CacheNotes(join(cache, 'folders'))
  const baseFolders = () => foldersOf(base?.layers ?? [], store.blobs, notes, signal)
  const downloads = join(cache, 'downloads')
  return draftImage({
    kubefile,
    platform,
    base: base?.config,
    baseFolders,
    buildArgs,
    context,
    downloads,
    logger,
    signal,
    ...commandsOn(base, platform, workshop, signal),
  })
}

/** The base for one platform of the build, as it is for another, e.g. this machine's. Undefined for `scratch`. */
async function baseImage(platform: Platform, as: Platform, workshop: Workshop): Promise<PlatformImage | undefined> {
  const { store, lock, source } = workshop
  const base = pinnedBase(platform, workshop)
  if (base === undefined) return undefined
  const image = await store.resolve(base)
  const name = baseOf(source.kubefile, platform, source.buildArgs)
  if (name !== undefined) lock?.use('base', fullName(parseReference(name)), platform, image.origin ?? image.digest)
  return store.platform(image, as)
}

/** Later layers hide what earlier ones have at the same path, and take away what they have. */
function lastAtEachPath(layers: readonly DraftLayer[]): LayerEntry[] {
  const entries = new Map<string, LayerEntry>()
  for (const layer of layers) {
    const hidden = new Set(layer.entries.filter(hidesBelow).map(({ path }) => path))
    if (hidden.size > 0) for (const path of entries.keys()) if (isBelow(path, hidden)) entries.delete(path)
    for (const entry of layer.entries) {
      if (entry.kind === 'whiteout') entries.delete(entry.path)
      else entries.set(entry.path, entry)
    }
  }
  return [...entries.values()]
}

const hidesBelow = (entry: LayerEntry): boolean =>
  entry.kind === 'whiteout' || (entry.kind === 'folder' && entry.opaque === true)

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

/** Packs what is not in the cache. An image without any file has one empty layer, since tools expect one. */
async function packLayers(
  drafts: readonly DraftLayer[],
  platform: Platform,
  { layers, options, say }: Workshop,
  signal: AbortSignal,
) {
  const mtime = sourceDate()
  const how = options.compression === undefined ? {} : { compression: options.compression }
  const pack = async ({ createdBy, entries }: DraftLayer, stop: AbortSignal) => {
    const { layer, cached } = await layers.layer(
      { entries, mtime, ...how },
      { fresh: options.noCache === true, signal: stop },
    )
    say(`${platformText(platform)}: ${inOneLine(createdBy)}${cached ? ' (cached)' : ''}`)
    const blob = { ...layer.blob, annotations: { [annotations.createdBy]: createdBy } }
    return { layer: { ...layer, blob } satisfies RootfsLayer, cached }
  }
  const all = drafts.length === 0 ? [{ createdBy: 'no files', entries: [] }] : drafts
  const packed = await gather(all, pack, { limit: layersAtOnce, signal })
  return {
    layers: packed.map(({ layer }) => layer),
    counts: { cached: packed.filter(({ cached }) => cached).length, total: packed.length },
  }
}

/** Time of all files in layers, in seconds since 1970 (reproducible-builds.org, SOURCE_DATE_EPOCH). */
function sourceDate(): number {
  const given = process.env.SOURCE_DATE_EPOCH ?? ''
  return /^\d{1,11}$/.test(given) ? Number(given) : 0
}

function reportOf(
  reference: string,
  digest: string,
  built: readonly BuiltPlatform[],
  parts: readonly PlatformParts[],
): BuildReport {
  const sum = (count: (platform: BuiltPlatform) => number) =>
    built.reduce((total, platform) => total + count(platform), 0)
  return {
    reference,
    digest,
    platforms: parts.map(({ platform }) => platform),
    layers: { cached: sum(({ layers }) => layers.cached), total: sum(({ layers }) => layers.total) },
    images: [...new Set(parts.flatMap(({ images }) => images.map((image) => image.reference)))].sort(),
  }
}

/** Heredocs have many. */
const inOneLine = (text: string): string => text.trimEnd().replace(/\n[\s\S]*/, ' …')
