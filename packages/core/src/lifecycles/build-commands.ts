import { join } from 'node:path'
import { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import type { PlatformImage, RootfsLayer } from '../image/cluster-config.ts'
import { imageErrors } from '../image/errors.ts'
import { isManifestType } from '../image/oci.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { imageConfigSchema, manifestSchema, parseJson } from '../image/schemas.ts'
import type { DraftInput } from '../kubefile/draft.ts'
import type { Workshop } from './build-workshop.ts'

/** What instructions of one platform do with files of images: RUN executes on them, COPY --from takes them. Loaded and opened for the first one. */
export function commandsOn(
  base: PlatformImage | undefined,
  platform: Platform,
  workshop: Workshop,
  signal: AbortSignal,
): Pick<DraftInput, 'run' | 'imageFiles'> {
  const { cache, store, options, say, logger, digests } = workshop
  const open = async () => {
    const { LayeredFiles, Runner, Trees, unpackAll } = await import('../sandbox/index.ts')
    const trees = await Trees.open(join(cache, 'trees'))
    const runner = new Runner({
      trees,
      notes: join(cache, 'runs'),
      blobs: store.blobs,
      base: base?.layers ?? [],
      platform,
      fresh: options.noCache === true,
      say,
      logger,
    })
    const filesOf = async (image: string, layers: readonly RootfsLayer[]) => {
      const folders = await trees.lower(await unpackAll(trees, layers, store.blobs, signal))
      const absolute = folders.map((folder) => join(trees.folder, folder))
      return new LayeredFiles(image, absolute, (file, stats) => digests.of(file, stats))
    }
    return { runner, filesOf }
  }
  let opened: ReturnType<typeof open> | undefined
  const sandbox = () => {
    opened ??= open()
    return opened
  }
  return {
    run: async (input) => (await sandbox()).runner.run(input, signal),
    imageFiles: async (reference, place) => {
      const name = fullName(parseReference(reference))
      const layers = await layersOf(name, place, platform, workshop, signal)
      return (await sandbox()).filesOf(name, layers)
    },
  }
}

/** Layers of a cluster image of the store, else of any image of its registry. */
async function layersOf(
  name: string,
  place: string,
  platform: Platform,
  { store, carrier }: Workshop,
  signal: AbortSignal,
): Promise<readonly RootfsLayer[]> {
  try {
    return (await store.platform(await store.resolve(name), platform)).layers
  } catch (error) {
    if (!SealerError.is(error) || error.code !== 'IMAGE_NOT_FOUND') throw error
  }
  const wanted = [{ reference: name, apps: [], reasons: [place] }]
  const [image] = await carrier.carry(wanted, { archives: [], base: [] }, platform, signal)
  const blob = image?.blobs.find(({ mediaType }) => isManifestType(mediaType))
  const refuse = (reason: string) => imageErrors.IMAGE_INVALID({ image: name, reason })
  if (blob === undefined) throw refuse('it has no manifest')
  const manifest = parseJson(manifestSchema, await store.blobs.read(blob.digest), refuse)
  const config = parseJson(imageConfigSchema, await store.blobs.read(manifest.config.digest), refuse)
  const { diff_ids: diffIds } = config.rootfs
  if (diffIds.length !== manifest.layers.length) throw refuse('its config and its manifest do not fit')
  return manifest.layers.map((layer, at) => ({ blob: layer, diffId: diffIds[at] ?? '' }))
}
