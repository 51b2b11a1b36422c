import { posix } from 'node:path'
import type { DebianTree } from './debian.ts'
import { realFile } from './debian.ts'
import { readElf } from './elf.ts'
import type { Arch } from './platform.ts'
import { triplets } from './platform.ts'
import type { Entry } from './tar.ts'

/**
 * Files of a tree with every shared library that they load, and the loader: what a container image needs to run them.
 * Found by reading the files, so it works for any architecture. @throws if a library is not in the tree.
 */
export async function withLibraries(
  tree: DebianTree,
  arch: Arch,
  paths: readonly string[],
): Promise<Record<string, Entry>> {
  const entries: Record<string, Entry> = {}
  const waiting = [...paths]
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (entries[path] !== undefined) continue
    const source = await realFile(tree, path)
    if (source === undefined) throw new Error(`${path} is in none of the packages.`)
    entries[path] = { kind: 'file', source, mode: 0o755 }
    const elf = await readElf(source)
    if (elf === undefined) continue
    if (elf.machine !== arch) throw new Error(`${path} is for ${elf.machine}, not for ${arch}.`)
    if (elf.interpreter !== undefined) waiting.push(elf.interpreter.replace(/^\//, ''))
    for (const library of elf.needed) waiting.push(await placeOf(tree, arch, library, path))
  }
  return entries
}

/** Where Debian's loader looks without being told. */
async function placeOf(tree: DebianTree, arch: Arch, library: string, wantedBy: string): Promise<string> {
  const folders = [`lib/${triplets[arch]}`, `usr/lib/${triplets[arch]}`]
  for (const folder of folders) {
    const path = posix.join(folder, library)
    if ((await realFile(tree, path)) !== undefined) return path
  }
  throw new Error(`${wantedBy} needs ${library}, which is in none of the packages.`)
}
