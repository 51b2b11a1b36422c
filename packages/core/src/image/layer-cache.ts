import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from './blobs.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { byPath, compression, type LayerEntry, type LayerRecipe, packLayer } from './layer.ts'

/** Changes whenever the same recipe would be packed into other bytes. */
const format = 1

/** A layer, and whether it was there already. */
export interface PackedLayer {
  readonly layer: RootfsLayer
  readonly cached: boolean
}

/** Finds layers by what they are made of, so that only new ones are packed. The bytes are in the store; here stand their names. */
export class LayerCache {
  readonly #folder: string
  readonly #blobs: BlobStore
  readonly #packing = new Map<string, Promise<PackedLayer>>()

  constructor(folder: string, blobs: BlobStore) {
    this.#folder = folder
    this.#blobs = blobs
  }

  /** The layer of a recipe, packed unless it is in the store. Several platforms that want the same layer pack it once. */
  layer(
    recipe: LayerRecipe,
    options: { readonly fresh?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<PackedLayer> {
    const key = keyOf(recipe)
    const packing = this.#packing.get(key) ?? this.#findOrPack(key, recipe, options)
    this.#packing.set(key, packing)
    return packing
  }

  async #findOrPack(
    key: string,
    recipe: LayerRecipe,
    { fresh = false, signal }: { fresh?: boolean; signal?: AbortSignal },
  ): Promise<PackedLayer> {
    const known = fresh ? undefined : await this.#find(key)
    if (known !== undefined) return { layer: known, cached: true }
    const layer = await packLayer(recipe, this.#blobs, signal)
    await this.#remember(key, layer)
    return { layer, cached: false }
  }

  async #find(key: string): Promise<RootfsLayer | undefined> {
    try {
      const layer = JSON.parse(await readFile(join(this.#folder, `${key}.json`), 'utf8')) as RootfsLayer
      return (await this.#blobs.keep(layer.blob.digest)) ? layer : undefined
    } catch {
      return undefined // never packed, or the note is damaged: packing again makes it whole
    }
  }

  async #remember(key: string, layer: RootfsLayer): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const draft = join(this.#folder, `${key}.${randomUUID()}`)
    await writeFile(draft, JSON.stringify(layer))
    await rename(draft, join(this.#folder, `${key}.json`))
  }
}

function keyOf({ entries, mtime }: LayerRecipe): string {
  const hash = createHash('sha256').update(JSON.stringify({ format, compression, mtime }))
  for (const entry of entries.toSorted(byPath)) hash.update(JSON.stringify(contentOf(entry)))
  return hash.digest('hex')
}

function contentOf(entry: LayerEntry): unknown[] {
  const what = entry.kind === 'file' ? [entry.size, entry.digest] : entry.kind === 'link' ? [entry.target] : []
  return [entry.kind, entry.path, entry.mode, entry.owner.uid, entry.owner.gid, ...what]
}
