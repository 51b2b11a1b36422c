import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { CallableHooks } from '../hooks.ts'
import { platformText } from '../hosts/host.ts'
import { LayerCache } from '../image/layer-cache.ts'
import { FileDigests } from '../image/layer-digests.ts'
import type { LocalStore } from '../image/store.ts'
import { admittingStore } from '../images.ts'
import { BuildContext } from '../kubefile/context.ts'
import { IgnoreRules } from '../kubefile/ignore.ts'
import type { Logger } from '../logger.ts'
import { ImageCarrier } from '../manifests/carry-images.ts'
import { LockFile } from '../manifests/lock-file.ts'
import { ValueSets } from '../manifests/value-sets.ts'
import type { BuildOptions, Images } from '../sealer.ts'
import type { Secrets } from '../secrets.ts'
import { announceBuild, cacheOf } from './build-cache.ts'
import type { BuildSource } from './build-types.ts'
import { ImageFetcher } from './image-fetcher.ts'
import { type ImageWishes, readImageWishes } from './image-wishes.ts'

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

/** What the platforms of one build share. Closed with `await using`, also when the build fails: what was found out is kept. */
export interface Workshop extends AsyncDisposable {
  readonly source: BuildSource
  readonly options: BuildOptions
  readonly images: Images
  readonly hooks: CallableHooks
  readonly store: LocalStore
  /** Folder of everything that can be found out again. */
  readonly cache: string
  readonly context: BuildContext
  readonly lock: LockFile | undefined
  readonly digests: FileDigests
  readonly layers: LayerCache
  readonly carrier: ImageCarrier
  readonly valueSets: ValueSets
  /** What files beside the Kubefile say about container images. */
  readonly wishes: ImageWishes
  /** Warns once, however many platforms have the same to say. */
  readonly logger: Logger
  readonly say: (line: string) => void
}

export async function openWorkshop(
  source: BuildSource,
  options: BuildOptions,
  { home, hooks, images, secrets, logger, clock }: BuildServices,
): Promise<Workshop> {
  const cache = cacheOf(home)
  const store = admittingStore(images, clock)
  const digests = await FileDigests.open(join(cache, 'digests'), source.context)
  const lock = options.lock && (await LockFile.open(options.lock))
  const context = new BuildContext(source.context, digests, new IgnoreRules(source.ignore), options.lock?.file)
  const say = (line: string) => options.onProgress?.(line)
  const valueSets = await ValueSets.open(options.charts ?? {}, source.context)
  const wishes = await readImageWishes(options)
  const fetcher = new ImageFetcher({ home, clock, secrets, withLogins: wishes.withLogins }, store.blobs)
  const carrier = new ImageCarrier({
    context,
    digests,
    blobs: store.blobs,
    ...(lock && { lock }),
    folder: join(cache, 'container-images'),
    fresh: options.noCache === true || options.pull === 'always',
    fetchImage: async (reference, platform, signal) => {
      say(`${platformText(platform)}: fetch ${reference}`)
      return fetcher.fetch(reference, platform, signal)
    },
  })
  const announced = await announceBuild(cache, options.signal)
  return {
    source,
    options,
    images,
    hooks,
    store,
    cache,
    context,
    lock,
    digests,
    layers: new LayerCache(join(cache, 'layers'), store.blobs),
    carrier,
    valueSets,
    wishes,
    logger: once(logger),
    say,
    [Symbol.asyncDispose]: async () => {
      await fetcher[Symbol.asyncDispose]()
      await digests.save()
      await announced[Symbol.asyncDispose]()
    },
  }
}

function once(logger: Logger): Logger {
  const told = new Set<string>()
  const first = (line: string, tell: () => void) => {
    if (!told.has(line)) tell()
    told.add(line)
  }
  return {
    debug: (line) => first(line, () => logger.debug(line)),
    info: (line) => first(line, () => logger.info(line)),
    warn: (line) => first(line, () => logger.warn(line)),
  }
}
