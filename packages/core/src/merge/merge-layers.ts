import { posix } from 'node:path'
import type { BlobStore } from '../image/blobs.ts'
import type { CacheNotes } from '../image/cache-notes.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import { isMark, layerFiles, type RootfsFile } from '../image/rootfs-files.ts'
import type { Conflict, Merged, Named } from './conflict.ts'

/** Where the files of layers are read from, and remembered. */
export interface LayerSource {
  readonly blobs: BlobStore
  readonly notes: CacheNotes
  readonly signal?: AbortSignal | undefined
}

type Layers = Named<readonly RootfsLayer[]>

/**
 * The layers of several images over each other. Those that two images begin with, because one was built upon the other or both upon the same, stand
 * once. What each has added may touch a path of the others only with the same content.
 */
export async function mergeLayers(
  images: readonly Layers[],
  source: LayerSource,
): Promise<Merged<readonly RootfsLayer[]>> {
  const layers: RootfsLayer[] = []
  const conflicts: Conflict[] = []
  for (const [at, image] of images.entries()) {
    const before = images.slice(0, at)
    const shared = Math.max(0, ...before.map((other) => sharedBy(other, image)))
    layers.push(...image.value.slice(shared))
    for (const other of before) conflicts.push(...(await conflictsBetween(other, image, source)))
  }
  return { value: layers, conflicts }
}

/** How many layers two images begin with together. */
function sharedBy({ value: first }: Layers, { value: second }: Layers): number {
  const differs = first.findIndex(({ diffId }, at) => diffId !== second[at]?.diffId)
  return differs < 0 ? first.length : differs
}

async function conflictsBetween(first: Layers, second: Layers, source: LayerSource): Promise<Conflict[]> {
  const shared = sharedBy(first, second)
  const [a, b] = [await touched(first.value.slice(shared), source), await touched(second.value.slice(shared), source)]
  const names = [first.name, second.name] as const
  const what = [...a].flatMap(([path, one]) => {
    const other = b.get(path)
    return other === undefined ? [] : (difference(path, one, other) ?? [])
  })
  return [...what, ...hidden(a, b), ...hidden(b, a)].map((text) => ({ images: names, what: text }))
}

/** What layers say of each path together: what stands there, or that it is taken away from what is below them. */
type Touched = ReadonlyMap<string, Touch>
interface Touch {
  readonly file?: RootfsFile
  /** Whether what lower layers have here, and below it, is hidden. */
  readonly hides: boolean
}

async function touched(layers: readonly RootfsLayer[], { blobs, notes, signal }: LayerSource): Promise<Touched> {
  let all = new Map<string, Touch>()
  for (const layer of layers) {
    const own = await layerFiles(layer, blobs, notes, signal)
    const hiding = new Set(own.filter(({ kind }) => kind !== 'folder').map(({ path }) => path))
    all = new Map([...all].filter(([path]) => !above(path).some((folder) => hiding.has(folder))))
    const marks = new Set(own.filter(isMark).map(({ path }) => path))
    for (const path of marks) all.set(path, { hides: true })
    for (const file of own) {
      if (isMark(file)) continue
      const hides = file.kind !== 'folder' || marks.has(file.path) || all.get(file.path)?.hides === true
      all.set(file.path, { file, hides })
    }
  }
  return all
}

function difference(path: string, one: Touch, other: Touch): string | undefined {
  const [a, b] = [one.file, other.file]
  if (a === undefined && b === undefined) return undefined
  if (a === undefined || b === undefined)
    return `do not agree on ${path}: the ${a === undefined ? 'first' : 'second'} takes it away, the other has it`
  if (a.kind === 'folder' && b.kind === 'folder') return undefined // the later one's permissions stand
  if (a.kind !== b.kind) return `have a ${a.kind} and a ${b.kind} at ${path}`
  if (a.size !== b.size || a.digest !== b.digest || a.target !== b.target) return `have different content at ${path}`
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return `have different permissions at ${path}`
  return undefined
}

/** Paths of one side that stand below something by which the other side hides them. */
function hidden(hiding: Touched, files: Touched): string[] {
  const seen = new Set<string>()
  for (const [path, { file }] of files) {
    if (file === undefined) continue
    const by = above(path).find((folder) => hiding.get(folder)?.hides === true && !hiding.has(path))
    if (by !== undefined) seen.add(by)
  }
  return [...seen].map((folder) => `do not agree on ${folder}: one has files in it, the other hides what is there`)
}

/** The folders that a path is in. */
function above(path: string): string[] {
  const folders: string[] = []
  for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) folders.push(folder)
  return [...folders, '.']
}
