import { lstat, mkdir, readlink, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Folder of the running `@sealer/core`, two above this file in sources and in `dist`. */
const ownPackage = dirname(dirname(import.meta.dirname))

/**
 * Makes `@sealer/core` of a site the running one, so that plugins and the command share one copy. npm prunes what it has not put there,
 * so this is done again after each of its runs and before each load. A copy that a plugin's package has brought stays where it is, below that package.
 */
export async function linkCore(site: string): Promise<void> {
  const place = join(site, 'node_modules', '@sealer', 'core')
  if ((await readlink(place).catch(() => undefined)) === ownPackage) return
  const there = await lstat(place).catch(() => undefined)
  if (there !== undefined) await rm(place, { recursive: true })
  await mkdir(dirname(place), { recursive: true })
  await symlink(ownPackage, place).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error // another sealer was faster
  })
}
