import type { BigIntStats } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { byPath, type LayerEntry } from '../image/layer.ts'
import { sha256, stampOf } from '../image/layer-digests.ts'
import { idInside } from './user-namespace.ts'

type Xattrs = Readonly<Record<string, string>>

/** What the file system of a sandbox keeps for itself. */
const ownXattr = 'user.overlay.'
/** Kept attributes: those of users, and capabilities of programs; labels and lists belong to the machine. */
const kept = /^(?:user\.|security\.capability$)/

/** Files that every sandbox has its own of. */
const ofSandbox = new Set(['etc/resolv.conf', 'etc/hosts'])

/**
 * What a command has changed, as overlayfs keeps it (Documentation/filesystems/overlayfs.rst): a character device 0:0 for what is gone, an attribute
 * for a folder that hides what is below it. Sockets and pipes are left out. `xattrs` is a file as getfattr writes it.
 */
export async function changesIn(
  upper: string,
  xattrs: string,
  signal: AbortSignal | undefined,
): Promise<readonly LayerEntry[]> {
  const attributes = readXattrs(await readFile(xattrs))
  const inodes = new Map<bigint, LayerEntry>()
  const found: { readonly entry: LayerEntry; readonly stats: BigIntStats }[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const name of await readdir(join(upper, folder))) {
      signal?.throwIfAborted()
      const path = posix.join(folder, name)
      if (ofSandbox.has(path)) continue
      const stats = await lstat(join(upper, path), { bigint: true })
      const entry = await entryOf(join(upper, path), path, stats, attributes.get(path) ?? {})
      if (entry === undefined) continue
      found.push({ entry, stats })
      if (entry.kind === 'folder') await walk(path)
    }
  }
  await walk('')
  const entries: LayerEntry[] = []
  for (const { entry, stats } of found.toSorted((a, b) => byPath(a.entry, b.entry))) {
    const first =
      stats.nlink > 1n && entry.kind !== 'folder' && entry.kind !== 'whiteout' ? inodes.get(stats.ino) : undefined
    if (first === undefined) inodes.set(stats.ino, entry)
    if (first !== undefined) entries.push({ ...baseOf(entry), kind: 'hardlink', target: first.path })
    else if (entry.kind === 'file') entries.push({ ...entry, digest: await sha256(entry.source) })
    else entries.push(entry)
  }
  return entries
}

const baseOf = ({ path, mode, owner }: LayerEntry) => ({ path, mode, owner })

async function entryOf(
  file: string,
  path: string,
  stats: BigIntStats,
  attributes: Xattrs,
): Promise<LayerEntry | undefined> {
  const ours = Object.entries(attributes).filter(([name]) => kept.test(name) && !name.startsWith(ownXattr))
  const base = {
    path,
    mode: Number(stats.mode & 0o7777n),
    owner: { uid: idInside(Number(stats.uid)), gid: idInside(Number(stats.gid)) },
    ...(ours.length > 0 && { xattrs: Object.fromEntries(ours) }),
  }
  const isOpaque = attributes[`${ownXattr}opaque`] === Buffer.from('y').toString('base64')
  if (stats.isDirectory()) return { ...base, kind: 'folder', ...(isOpaque && { opaque: true }) }
  if (stats.isSymbolicLink()) return { ...base, mode: 0o777, kind: 'link', target: await readlink(file) }
  if (stats.isCharacterDevice() && stats.rdev === 0n) {
    return { path, mode: 0o644, owner: { uid: 0, gid: 0 }, kind: 'whiteout' }
  }
  if (!stats.isFile()) return undefined
  return { ...base, kind: 'file', source: file, size: Number(stats.size), digest: '', stamp: stampOf(stats) }
}

/** Reads what `getfattr -d -e base64` writes: `# file: PATH`, then `NAME=0sBASE64` lines; odd bytes of names as `\ooo`. */
export function readXattrs(text: Buffer): ReadonlyMap<string, Xattrs> {
  const found = new Map<string, Xattrs>()
  for (const block of text.toString('latin1').split('\n\n')) {
    const [head = '', ...lines] = block.trim().split('\n')
    if (!head.startsWith('# file: ')) continue
    const path = unescaped(head.slice('# file: '.length)).replace(/^\.\//, '')
    const values = lines.map((line) => {
      const at = line.indexOf('=0s')
      return [unescaped(line.slice(0, at)), line.slice(at + 3)] as const
    })
    found.set(path, Object.fromEntries(values))
  }
  return found
}

function unescaped(text: string): string {
  const bytes = text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
