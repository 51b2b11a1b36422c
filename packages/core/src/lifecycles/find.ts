import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import type { CallableHooks } from '../hooks.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import type { LocalStore } from '../image/store.ts'
import { admittingStore } from '../images.ts'
import { buildErrors } from '../kubefile/errors.ts'
import { cacheOf } from '../lifecycles/build-cache.ts'
import { findImages, type NamedImages } from '../manifests/find-images.ts'
import type { LeftOut, NamedAt } from '../manifests/image-reader.ts'
import { machinePlatform, programFinder } from '../manifests/programs.ts'
import { searchedFolder } from '../manifests/searched-folder.ts'
import { type ChartWishes, ValueSets } from '../manifests/value-sets.ts'
import type { Images } from '../sealer.ts'
import { type ImageWishFiles, readImageWishes } from './image-wishes.ts'

/** Where to look for container images, and how. */
export interface FindOptions extends ImageWishFiles {
  /** A folder of manifests, charts and kustomizations, a chart, or a file. */
  readonly path?: string
  /** Manifests themselves, instead of a path. */
  readonly text?: string
  readonly charts?: ChartWishes
  /** A cluster image of the store: its helm is used where this machine has none, and charts are told of its Kubernetes. */
  readonly from?: string
  readonly signal?: AbortSignal
}

/** What would be packed, and what not. */
export interface FindReport {
  readonly images: readonly { readonly reference: string; readonly reasons: readonly Omit<NamedAt, 'reference'>[] }[]
  /** What looked like an image and was left out, is ignored, or could not be read. */
  readonly leftOut: readonly LeftOut[]
}

/** What a search needs of the sealer it belongs to. */
export interface FindServices {
  readonly home: string
  readonly hooks: CallableHooks
  readonly images: Images
  readonly clock: Clock
}

/**
 * Finds what a build would pack, and builds nothing: nothing that is broken or odd is fatal.
 * @throws SEARCH_PATH_MISSING when there is nothing at the path, SIGNATURE_MISSING and its like when the base may not be looked at
 */
export async function findContainerImages(
  options: FindOptions,
  { home, hooks, images: stored, clock }: FindServices,
): Promise<FindReport> {
  await using target = await targetOf(options)
  const { path, entries, beside } = await searchedFolder(target.path).catch((cause: Error) => {
    throw buildErrors.SEARCH_PATH_MISSING({ path: target.path }, { cause })
  })
  const wishes = await readImageWishes(options)
  const readers = await hooks.build.readers.promise([])
  const rules = [...wishes.rules, ...(await hooks.build.rules.promise([]))]
  const valueSets = await ValueSets.open(options.charts ?? {}, resolve(target.path))
  const store = admittingStore(stored, clock)
  const base = options.from === undefined ? undefined : await baseOf(options.from, store)
  const cache = cacheOf(home)
  const places = { entries: [], platform: machinePlatform(), base, blobs: store.blobs, folder: join(cache, 'programs') }
  const search = {
    apps: [],
    lenient: true as const,
    settingsOf: (chart: { readonly path: string; readonly release: string }) =>
      valueSets.of({ ...chart, path: posix.relative(path, chart.path) }, base?.config.runtime.version),
    cache,
    program: programFinder(async () => places),
    ...(options.signal && { signal: options.signal }),
  }
  const { images, archives, doubts } = await findImages(
    { ...wishes, entries, beside, anywhere: true, rules, search },
    readers,
  )
  const archived = archives.map(({ place, path }) => ({ place, reason: `the images in ${path} are carried, too` }))
  return { images: images.map(shown), leftOut: [...doubts.map(told), ...archived] }
}

const shown = ({ reference, named }: NamedImages) => ({
  reference,
  reasons: named.map(({ place, field }) => ({ place, ...(field !== undefined && { field }) })),
})
const told = ({ minor: _, ...doubt }: LeftOut): LeftOut => doubt

/** Manifests that come as text are a file for the time of the search. */
async function targetOf({ path = '.', text }: FindOptions): Promise<{ readonly path: string } & AsyncDisposable> {
  if (text === undefined) return { path, [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'sealer-find-'))
  const file = join(folder, 'standard-input.yaml')
  await writeFile(file, text)
  return { path: file, [Symbol.asyncDispose]: () => rm(dirname(file), { recursive: true, force: true }) }
}

/** A base as this machine could run it. */
async function baseOf(reference: string, store: LocalStore): Promise<PlatformImage> {
  return store.platform(await store.resolve(reference), machinePlatform())
}
