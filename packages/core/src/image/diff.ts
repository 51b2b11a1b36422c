import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { CacheNotes } from './cache-notes.ts'
import { closureOf } from './closure.ts'
import type { BlobDescriptor, CarriedImage, PlatformImage } from './cluster-config.ts'
import type { StoredImage } from './image-store.ts'
import { type RootfsFile, rootfsFiles } from './rootfs-files.ts'
import type { LocalStore } from './store.ts'

/** A file that is another one, or one that is on one side alone. */
export interface FileChange {
  readonly path: string
  readonly before?: RootfsFile
  readonly after?: RootfsFile
}

/** A container image that is another one, or one that is on one side alone. */
export interface ImageChange {
  readonly reference: string
  /** Digests. */
  readonly before?: string
  readonly after?: string
  /** Bytes of it that the other side lacks. */
  readonly bytes: number
}

/** Something that the image says of itself, e.g. `env.GREETING`, `apps.web`. */
export interface SettingChange {
  readonly name: string
  readonly before?: unknown
  readonly after?: unknown
}

/** What differs for one platform. */
export interface PlatformDiff {
  readonly platform: Platform
  readonly files: readonly FileChange[]
  readonly images: readonly ImageChange[]
  readonly settings: readonly SettingChange[]
}

/** What makes one cluster image another one. */
export interface ImageDiff {
  readonly before: { readonly reference: string; readonly digest: string }
  readonly after: { readonly reference: string; readonly digest: string }
  /** Platforms that both have. */
  readonly platforms: readonly PlatformDiff[]
  readonly platformsAdded: readonly Platform[]
  readonly platformsRemoved: readonly Platform[]
  /** What goes to somebody who has the first image and wants the second. */
  readonly move: { readonly bytes: number; readonly blobs: number }
}

/** Compares two cluster images of the store. @throws IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_INCOMPLETE */
export async function diffImages(
  store: LocalStore,
  notes: CacheNotes,
  [from, to]: readonly [string, string],
  signal?: AbortSignal,
): Promise<ImageDiff> {
  const [before, after] = [await store.resolve(from), await store.resolve(to)]
  const has = (image: StoredImage, platform: Platform) =>
    image.platforms.some((one) => platformText(one) === platformText(platform))
  const platforms: PlatformDiff[] = []
  for (const platform of before.platforms.filter((one) => has(after, one))) {
    const [old, recent] = [await store.platform(before, platform), await store.platform(after, platform)]
    const [oldFiles, files] = [
      await rootfsFiles(old.layers, store.blobs, notes, signal),
      await rootfsFiles(recent.layers, store.blobs, notes, signal),
    ]
    platforms.push({
      platform,
      files: changedFiles(oldFiles, files),
      images: changedImages(old.images, recent.images),
      settings: changedSettings(old, recent),
    })
  }
  return {
    before: { reference: before.reference, digest: before.digest },
    after: { reference: after.reference, digest: after.digest },
    platforms,
    platformsAdded: after.platforms.filter((platform) => !has(before, platform)),
    platformsRemoved: before.platforms.filter((platform) => !has(after, platform)),
    move: await bytesToMove(store, before, after),
  }
}

async function bytesToMove(store: LocalStore, before: StoredImage, after: StoredImage): Promise<ImageDiff['move']> {
  const blobsOf = async ({ reference }: StoredImage) =>
    (await closureOf(store.blobs, await store.find(reference), reference)).here
  const known = await blobsOf(before)
  const lacking = [...(await blobsOf(after)).values()].filter(({ digest }) => !known.has(digest))
  return { bytes: sizeOf(lacking), blobs: lacking.length }
}

function changedFiles(before: readonly RootfsFile[], after: readonly RootfsFile[]): FileChange[] {
  const pairs = paired(before, after, ({ path }) => path)
  return pairs
    .filter(([, old, recent]) => JSON.stringify(old) !== JSON.stringify(recent))
    .map(([path, old, recent]) => ({ path, ...(old && { before: old }), ...(recent && { after: recent }) }))
}

function changedImages(before: readonly CarriedImage[], after: readonly CarriedImage[]): ImageChange[] {
  const blobsOf = (images: readonly CarriedImage[]) =>
    new Set(images.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)))
  const [old, recent] = [blobsOf(before), blobsOf(after)]
  const lacking = ({ blobs }: CarriedImage, there: ReadonlySet<string>) =>
    sizeOf(blobs.filter(({ digest }) => !there.has(digest)))
  return paired(before, after, ({ reference }) => reference)
    .filter(([, one, other]) => one?.digest !== other?.digest)
    .map(([reference, one, other]) => ({
      reference,
      ...(one && { before: one.digest }),
      ...(other && { after: other.digest }),
      bytes: other ? lacking(other, old) : one ? lacking(one, recent) : 0,
    }))
}

function changedSettings(before: PlatformImage, after: PlatformImage): SettingChange[] {
  return paired(settingsOf(before), settingsOf(after), ([name]) => name)
    .filter(([, one, other]) => JSON.stringify(one?.[1]) !== JSON.stringify(other?.[1]))
    .map(([name, one, other]) => ({ name, ...(one && { before: one[1] }), ...(other && { after: other[1] }) }))
}

/** The config, lists and maps by their members. */
function settingsOf({ config }: PlatformImage): [string, unknown][] {
  const { apps, env, labels, parts, runtime, requirements, launch, cmds, type, source } = config
  const each = (name: string, map: object) =>
    Object.entries(map).map(([key, value]): [string, unknown] => [`${name}.${key}`, value])
  return [
    ['type', type],
    ...each('runtime', runtime),
    ...apps.map((app): [string, unknown] => [`apps.${app.name}`, app]),
    ['launch', launch],
    ['cmds', cmds],
    ...each('env', env),
    ...each('labels', labels),
    ...each('requirements', requirements),
    ...parts.map((part): [string, unknown] => [`parts.${part.name}`, part]),
    ['source', source],
  ]
}

/** Members of two lists by their names, in the order of the names. */
function paired<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (one: T) => string,
): (readonly [name: string, before: T | undefined, after: T | undefined])[] {
  const [old, recent] = [before, after].map((all) => new Map(all.map((one) => [nameOf(one), one])))
  const names = [...new Set([...(old?.keys() ?? []), ...(recent?.keys() ?? [])])].sort()
  return names.map((name) => [name, old?.get(name), recent?.get(name)] as const)
}

const sizeOf = (blobs: readonly BlobDescriptor[]): number => blobs.reduce((sum, { size }) => sum + size, 0)
