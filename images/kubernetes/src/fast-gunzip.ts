import { basename } from 'node:path'
import { debianTree, realFile } from './debian.ts'
import { debianRecord, type PartRecord } from './gathered.ts'
import { withLibraries } from './libraries.ts'
import type { Arch } from './platform.ts'
import type { Progress } from './progress.ts'

/** What hosts unpack layers and container images with: paths on this machine by file name, and where it is from. */
export interface FastGunzip {
  readonly files: Readonly<Record<string, string>>
  readonly records: readonly PartRecord[]
}

/** Debian's igzip with its libraries and their loader, so that it runs on every host with this processor. */
export async function fastGunzip(arch: Arch, progress: Progress): Promise<FastGunzip> {
  const tree = await progress.part(`igzip for ${arch}`, () => debianTree(['isal'], arch))
  const entries = await withLibraries(tree, arch, ['usr/bin/igzip'])
  const files = Object.entries(entries).flatMap(([path, entry]) =>
    entry.kind === 'file' ? [[path === 'usr/bin/igzip' ? 'igzip.bin' : basename(path), entry.source]] : [],
  )
  const notices = await Promise.all(
    tree.packages.map(async ({ name }) => {
      const source = await realFile(tree, `usr/share/doc/${name}/copyright`)
      return source === undefined ? [] : [[`${name}.copyright`, source]]
    }),
  )
  return {
    files: Object.fromEntries([...files, ...notices.flat()]),
    records: tree.packages.map((one) => debianRecord(one, `see lib/igzip/${one.name}.copyright`)),
  }
}
