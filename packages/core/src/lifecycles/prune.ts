import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { holdLock } from '../image/lock.ts'
import { type LocalStore, orphansStay } from '../image/store.ts'
import type { PruneOptions, PruneReport, Unneeded } from '../sealer.ts'
import { buildsUnderWay, cacheOf, cleanUp } from './build-cache.ts'

/** Something that can go, and how. Gives whether it has gone: it may be in use by now. */
interface Removable extends Unneeded {
  remove(): Promise<boolean>
}

const week = 7 * 24 * 60 * 60_000
const reproducible = new Set<Unneeded['kind']>(['layer', 'tree', 'download'])

/** Read this function to know what "prune" means: what no image and no build that is under way needs, and what is too old or too much. */
export async function prune(
  home: string,
  store: LocalStore,
  clock: Clock,
  { dryRun = false, olderThan = week, keep = Number.POSITIVE_INFINITY, signal }: PruneOptions = {},
): Promise<PruneReport> {
  const cache = cacheOf(home)
  await using _gate = await cleanUp(cache, signal)
  const builds = await buildsUnderWay(cache)
  const found = [...(await unneededBlobs(store, cache)), ...(await transfers(store.path))]
  const cached = [...found.filter(isCache), ...(await trees(cache)), ...(await downloads(cache))]
  const chosen = [
    ...found.filter((one) => !isCache(one) && clock.now() - one.used > orphansStay),
    ...(builds > 0 ? [] : tooOldOrTooMuch(cached, { before: clock.now() - olderThan, keep })),
  ]

  const removed: Unneeded[] = []
  for (const { remove, ...one } of chosen) {
    signal?.throwIfAborted()
    if (dryRun || (await remove())) removed.push(one)
  }
  if (!dryRun && builds === 0) await forget(store, cache)
  const left = sizeOf(cached) - sizeOf(removed.filter(isCache))
  return { removed, freed: sizeOf(removed), left, builds, dryRun }
}

const isCache = ({ kind }: Unneeded): boolean => reproducible.has(kind)
const sizeOf = (all: readonly Unneeded[]): number => all.reduce((sum, { bytes }) => sum + bytes, 0)

/** What was not used for long; then what was used least lately, until the rest is small enough. */
function tooOldOrTooMuch(
  cached: readonly Removable[],
  { before, keep }: { readonly before: number; readonly keep: number },
): Removable[] {
  let kept = 0
  const stays = (one: Removable) => {
    if (one.used <= before || kept + one.bytes > keep) return false
    kept += one.bytes
    return true
  }
  return cached.toSorted((a, b) => b.used - a.used).filter((one) => !stays(one))
}

/** Blobs that no name needs: layers that a build would find again, and others. */
async function unneededBlobs(store: LocalStore, cache: string): Promise<Removable[]> {
  const layers = await cachedLayers(join(cache, 'layers'))
  return (await store.unneeded()).map((blob) => ({
    kind: layers.has(blob.digest) ? 'layer' : 'blob',
    name: blob.digest,
    bytes: blob.size,
    used: blob.used,
    remove: async () => (await store.removeUnneeded([blob])).length > 0,
  }))
}

async function cachedLayers(folder: string): Promise<ReadonlySet<string>> {
  const digests = new Set<string>()
  for (const name of await names(folder)) {
    const digest = await layerOf(join(folder, name))
    if (digest !== undefined) digests.add(digest)
  }
  return digests
}

/** Digest of the layer that a note of the cache tells of. */
async function layerOf(note: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(note, 'utf8')) as { blob?: { digest?: string } }).blob?.digest
  } catch {
    return undefined // gone meanwhile, or half written by a machine that went down
  }
}

/** What interrupted transfers have left. */
async function transfers(store: string): Promise<Removable[]> {
  const folder = join(store, 'partial')
  const left: Removable[] = []
  for (const name of await names(folder)) {
    const file = join(folder, name)
    const seen = await stat(file).catch(() => undefined)
    if (seen === undefined || name.includes('.lock')) continue
    const remove = () => removeUnlessHeld(file)
    left.push({ kind: 'transfer', name, bytes: seen.size, used: seen.mtimeMs, remove })
  }
  return left
}

async function removeUnlessHeld(file: string): Promise<boolean> {
  try {
    await using _lock = await holdLock(`${file}.lock`, { patience: 0 })
    await rm(file, { force: true })
    return true
  } catch {
    return false // a transfer goes on with it
  }
}

/** Unpacked layers, and what commands have left. */
async function trees(cache: string): Promise<Removable[]> {
  const folder = join(cache, 'trees')
  const found: Removable[] = []
  for (const { name, path, seen } of await withoutDrafts(folder, 'new-')) {
    const remove = () => removeTree(folder, name)
    found.push({ kind: 'tree', name, bytes: await bytesIn(path), used: seen.mtimeMs, remove })
  }
  return found
}

/** First the name: a tree that is half gone must not be taken for one. */
async function removeTree(folder: string, name: string): Promise<boolean> {
  const gone = join(folder, `new-${randomUUID()}`)
  await rename(join(folder, name), gone)
  await rm(gone, { recursive: true, force: true })
  return true
}

/** What ADD has fetched. */
async function downloads(cache: string): Promise<Removable[]> {
  const found = await withoutDrafts(join(cache, 'downloads'), 'unfinished-')
  return found.map(({ name, path, seen }) => ({
    kind: 'download',
    name,
    bytes: seen.size,
    used: Math.max(seen.mtimeMs, seen.atimeMs),
    remove: () => rm(path, { force: true }).then(() => true),
  }))
}

/** What stands in a folder. What was never finished is left out until it is old: somebody may be at it. */
async function withoutDrafts(
  folder: string,
  drafts: string,
): Promise<{ readonly name: string; readonly path: string; readonly seen: Stats }[]> {
  const found = []
  for (const name of await names(folder)) {
    const path = join(folder, name)
    const seen = await stat(path).catch(() => undefined)
    if (seen === undefined || (name.startsWith(drafts) && Date.now() - seen.mtimeMs < orphansStay)) continue
    found.push({ name, path, seen })
  }
  return found
}

/** Notes on layers and commands whose bytes are gone. */
async function forget(store: LocalStore, cache: string): Promise<void> {
  const blobs = new Set(await names(join(store.path, 'blobs', 'sha256')))
  for (const name of await names(join(cache, 'layers'))) {
    const digest = await layerOf(join(cache, 'layers', name))
    if (digest === undefined || !blobs.has(digest.slice('sha256:'.length)))
      await rm(join(cache, 'layers', name), { force: true })
  }
}

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Bytes that a folder takes on disk. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await bytesIn(path)
    else bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * 512
  }
  return bytes
}
