import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import type { BlobStore } from './blobs.ts'
import type { CacheNotes } from './cache-notes.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { eachTarPart, openLayer, type TarPart } from './tar-file.ts'

/** Something that stands in a root file system. */
export interface RootfsFile {
  /** Relative to the root: `etc/x`. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'device'
  /** Permission bits, set-uid and its like included. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  /** Of links, hard ones too. */
  readonly target?: string
  /** sha256 of a file's content. */
  readonly digest?: string
}

/** What a layer says of a path: what stands there, or that nothing of lower layers does any more. */
export type LayerFile = RootfsFile | LayerMark
/** `whiteout`: neither the path nor what is below it; `opaque`: nothing of what is below it. */
export type LayerMark = { readonly path: string; readonly kind: 'whiteout' | 'opaque' }

/** Whether a layer says that nothing stands at a path. */
export const isMark = (file: LayerFile): file is LayerMark => file.kind === 'whiteout' || file.kind === 'opaque'

/**
 * Every file of a root file system as its layers make it together, in the order of paths. Nothing is unpacked; a layer is read once and remembered,
 * since it never changes.
 * @throws ARCHIVE_INVALID
 */
export async function rootfsFiles(
  layers: readonly RootfsLayer[],
  blobs: BlobStore,
  notes: CacheNotes,
  signal?: AbortSignal,
): Promise<readonly RootfsFile[]> {
  let files = new Map<string, RootfsFile>()
  for (const layer of layers) files = laidOver(files, await layerFiles(layer, blobs, notes, signal))
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** All that one layer says. @throws ARCHIVE_INVALID */
export async function layerFiles(
  { blob, diffId }: RootfsLayer,
  blobs: BlobStore,
  notes: CacheNotes,
  signal?: AbortSignal,
): Promise<readonly LayerFile[]> {
  const known = await notes.read<LayerFile[]>(diffId)
  const found = known ?? (await readLayer(blobs.path(blob.digest), signal))
  if (known === undefined) await notes.write(diffId, found)
  return found
}

/** image-spec, layer.md: whiteouts speak of lower layers alone, wherever in the layer they stand. */
function laidOver(lower: ReadonlyMap<string, RootfsFile>, layer: readonly LayerFile[]): Map<string, RootfsFile> {
  const gone = new Set(layer.filter(({ kind }) => kind === 'whiteout').map(({ path }) => path))
  const hidesBelow = new Set(layer.filter(({ kind }) => kind !== 'folder').map(({ path }) => path))
  const left = [...lower].filter(([path]) => !gone.has(path) && !isBelow(path, hidesBelow))
  const files = new Map(left)
  for (const file of layer) if (!isMark(file)) files.set(file.path, file)
  return files
}

/** Whether a path is in one of the folders, at any depth. */
export function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above)) if (folders.has(above)) return true
  return folders.has('.')
}

async function readLayer(layer: string, signal: AbortSignal | undefined): Promise<LayerFile[]> {
  const files = new Map<string, LayerFile>()
  const take = async (part: TarPart) => {
    const file = await fileOf(part)
    if (file.path !== '.' || isMark(file)) files.set(`${isMark(file) ? file.kind : ''} ${file.path}`, file)
  }
  await eachTarPart(await openLayer(layer), layer, take, signal)
  return [...files.values()]
}

async function fileOf({ header, path, body }: TarPart): Promise<LayerFile> {
  const mark = markAt(path)
  if (mark !== undefined) return mark
  const { type, mode = 0, uid = 0, gid = 0, size = 0, linkname } = header
  const rest = { path, mode: mode & 0o7777, uid, gid }
  if (type === 'directory') return { ...rest, kind: 'folder', size: 0 }
  if (type === 'symlink') return { ...rest, kind: 'link', size: 0, target: linkname ?? '' }
  if (type === 'link') return { ...rest, kind: 'file', size: 0, target: posix.normalize(linkname ?? '') }
  if (type !== 'file' && type !== 'contiguous-file') return { ...rest, kind: 'device', size: 0 }
  return { ...rest, kind: 'file', size, digest: await digestOfBody(body) }
}

/** What a path of a layer's tar says by its name alone (image-spec, layer.md, whiteouts). */
export function markAt(path: string): LayerMark | undefined {
  const name = posix.basename(path)
  if (name === '.wh..wh..opq') return { path: posix.dirname(path), kind: 'opaque' }
  if (name.startsWith('.wh.')) return { path: posix.join(posix.dirname(path), name.slice(4)), kind: 'whiteout' }
  return undefined
}

async function digestOfBody(body: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of body) hash.update(piece as Buffer)
  return `sha256:${hash.digest('hex')}`
}
