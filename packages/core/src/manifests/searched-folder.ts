import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { fileStamp } from '../image/layer-digests.ts'
import { foldersBeside } from './folders-beside.ts'

/** Files that are looked at in one search; a folder with more is not one of manifests and charts. */
const most = 100_000
/** Folders that hold the history or the dependencies of a source tree, not what is installed. */
const passedOver = new Set(['.git', '.hg', '.svn', 'node_modules', '.terraform'])

/** What is looked at, and what that may draw on. */
export interface SearchedFolder {
  /** The name that its paths begin with. */
  readonly path: string
  readonly entries: readonly LayerEntry[]
  /** Files outside of it that its kustomizations and charts build upon. */
  readonly beside: readonly LayerEntry[]
}

/**
 * A folder or a file as if it were in an image: paths begin with its own name, or with that of the folder which holds also what it builds upon.
 * Links are kept as links, so that none leads out of the folder. Nothing but kustomizations and charts is read: a file's digest is what the
 * file system says of it.
 */
export async function searchedFolder(target: string): Promise<SearchedFolder> {
  const root = resolve(target)
  const name = basename(root) || 'root'
  const own = await entriesOf(root, name)
  const folders = await foldersBeside(
    root,
    own.flatMap((entry) => (entry.kind === 'file' ? [entry.source] : [])),
  )
  if (folders.length === 0) return { path: name, entries: own, beside: [] }
  const above = folderOver([root, ...folders])
  const nameOf = (folder: string) => join(basename(above) || 'root', relative(above, folder))
  const beside = new Map<string, LayerEntry>()
  for (const folder of folders)
    for (const entry of await entriesOf(folder, nameOf(folder))) beside.set(entry.path, entry)
  const entries = await entriesOf(root, nameOf(root))
  for (const { path } of entries) beside.delete(path) // a base may be the folder above an overlay
  return { path: nameOf(root), entries, beside: [...beside.values()] }
}

/** The innermost folder that holds all of these. */
function folderOver(paths: readonly string[]): string {
  let above = dirname(paths[0] ?? '/')
  while (paths.some((path) => relative(above, path).startsWith('..'))) above = dirname(above)
  return above
}

async function entriesOf(root: string, name: string): Promise<LayerEntry[]> {
  const start = await stat(root)
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
