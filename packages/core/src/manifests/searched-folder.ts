import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { fileStamp } from '../image/layer-digests.ts'

/** Files that are looked at in one search; a folder with more is not one of manifests and charts. */
const most = 100_000
/** Folders that hold the history or the dependencies of a source tree, not what is installed. */
const passedOver = new Set(['.git', '.hg', '.svn', 'node_modules', '.terraform'])

/**
 * A folder or a file as if it were in an image: paths begin with its own name. Links are kept as links, so that none leads out of the folder.
 * Nothing is read: a file's digest is what the file system says of it.
 */
export async function searchedFiles(target: string): Promise<LayerEntry[]> {
  const root = resolve(target)
  const start = await stat(root)
  const name = basename(root) || 'root'
  if (!start.isDirectory()) return [fileEntry(name, root, start.size, await fileStamp(root))]
  const entries: LayerEntry[] = []
  const folders = [{ path: name, folder: root }]
  for (const { path, folder } of folders) {
    for (const child of await readdir(folder, { withFileTypes: true })) {
      const at = { path: `${path}/${child.name}`, source: join(folder, child.name) }
      if (child.isDirectory()) {
        if (!passedOver.has(child.name)) folders.push({ path: at.path, folder: at.source })
      } else if (child.isSymbolicLink()) {
        entries.push({ kind: 'link', path: at.path, target: await readlink(at.source), ...plain })
      } else if (child.isFile()) {
        entries.push(fileEntry(at.path, at.source, (await lstat(at.source)).size, await fileStamp(at.source)))
      }
      if (entries.length > most) return entries
    }
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const plain = { mode: 0o644, owner: { uid: 0, gid: 0 } }
const fileEntry = (path: string, source: string, size: number, stamp: string): LayerEntry => ({
  kind: 'file',
  path,
  source,
  size,
  digest: stamp,
  stamp,
  ...plain,
})
