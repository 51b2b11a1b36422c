import { createHash } from 'node:crypto'
import type { BlobStore } from './blobs.ts'
import { CacheNotes } from './cache-notes.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { codecs } from './codec.ts'
import { byPath, type LayerEntry, type LayerRecipe, packLayer } from './layer.ts'

/** Changes whenever the same recipe would be packed into other bytes. */
const format = 2

/** A layer, and whether it was there already. */
export interface PackedLayer {
  readonly layer: RootfsLayer
  readonly cached: boolean
}

/** How a layer is asked for. */
export interface LayerOptions {
  /** Packs it whatever is known. */
  readonly fresh?: boolean
  readonly signal?: AbortSignal
}

/** Finds layers by what they are made of, so that only new ones are packed. The bytes are in the store; here stand their names. */
export class LayerCache {
  readonly #notes: CacheNotes
  readonly #blobs: BlobStore
  readonly #packing = new Map<string, Promise<PackedLayer>>()

  constructor(folder: string, blobs: BlobStore) {
    this.#notes = new CacheNotes(folder)
    this.#blobs = blobs
  }

  /** The layer of a recipe, packed unless it is in the store. Several platforms that want the same layer pack it once. */
  layer(recipe: LayerRecipe, options: LayerOptions = {}): Promise<PackedLayer> {
    const key = keyOf(recipe)
    const packing = this.#packing.get(key) ?? this.#findOrPack(key, recipe, options)
    this.#packing.set(key, packing)
    return packing
  }

  async #findOrPack(key: string, recipe: LayerRecipe, { fresh = false, signal }: LayerOptions): Promise<PackedLayer> {
    const known = fresh ? undefined : await this.#notes.read<RootfsLayer>(key)
    if (known !== undefined && (await this.#blobs.keep(known.blob.digest))) return { layer: known, cached: true }
    const layer = await packLayer(recipe, this.#blobs, signal)
    await this.#notes.write(key, layer)
    return { layer, cached: false }
  }
}

function keyOf({ entries, mtime, compression = 'gzip' }: LayerRecipe): string {
  const { settings } = codecs[compression]
  const hash = createHash('sha256').update(JSON.stringify({ format, compression, settings, mtime }))
  return hash.update(contentKey(entries)).digest('hex')
}

/** Names what stands in a layer, whatever its times and its compression. */
export function contentKey(entries: readonly LayerEntry[]): string {
  const hash = createHash('sha256')
  for (const entry of entries.toSorted(byPath)) hash.update(JSON.stringify(contentOf(entry)))
  return hash.digest('hex')
}

function contentOf(entry: LayerEntry): unknown[] {
  const { kind, path, mode, owner, xattrs } = entry
  return [kind, path, mode, owner.uid, owner.gid, ...whatOf(entry), ...(xattrs ? [xattrs] : [])]
}

function whatOf(entry: LayerEntry): unknown[] {
  switch (entry.kind) {
    case 'file':
      return [entry.size, entry.digest]
    case 'link':
    case 'hardlink':
      return [entry.target]
    case 'folder':
      return entry.opaque ? ['opaque'] : []
    case 'whiteout':
      return []
  }
}
