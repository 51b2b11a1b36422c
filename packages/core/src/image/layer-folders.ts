import { posix } from 'node:path'
import type { BlobStore } from './blobs.ts'
import type { CacheNotes } from './cache-notes.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { eachTarEntry, openLayer } from './tar-file.ts'

/** Paths of all folders of layers that hold something. A layer is read once; it never changes. */
export async function foldersOf(
  layers: readonly RootfsLayer[],
  blobs: BlobStore,
  notes: CacheNotes,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const folders = new Set<string>()
  for (const { blob, diffId } of layers) {
    const known = await notes.read<string[]>(diffId)
    const found = known ?? (await readFolders(blobs.path(blob.digest), signal))
    if (known === undefined) await notes.write(diffId, found)
    for (const folder of found) folders.add(folder)
  }
  return folders
}

async function readFolders(layer: string, signal: AbortSignal | undefined): Promise<string[]> {
  const folders = new Set<string>()
  const take = async ({ path }: { readonly path: string }) => {
    for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above)) folders.add(above)
  }
  await eachTarEntry(await openLayer(layer), layer, take, signal)
  return [...folders]
}
