import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cacheFolder } from '../../../scripts/folders.mjs'

/** Folder of the parts' cache, below `SEALER_CACHE` or `~/.cache/sealer`. */
export function partsFolder(): string {
  return join(cacheFolder(), 'parts')
}

/** Short key of anything that JSON can say: equal content, equal key. */
export function contentKey(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)
}

/**
 * Fills a folder completely or not at all: `fill` works in a folder beside it, which takes the name when all is done.
 * `made`: there was something to do.
 */
export async function once(folder: string, fill: (unfinished: string) => Promise<void>): Promise<{ made: boolean }> {
  if (await exists(folder)) return { made: false }
  await removeAbandoned(dirname(folder))
  const unfinished = join(dirname(folder), `.${basename(folder)}.${process.pid}`)
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  try {
    await fill(unfinished)
    await rename(unfinished, folder)
  } catch (failure) {
    await rm(unfinished, { recursive: true, force: true })
    if (await exists(folder)) return { made: true } // another build was faster; what it made is the same
    throw failure
  }
  return { made: true }
}

/** Takes away what builds left that were killed. */
async function removeAbandoned(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) {
    const pid = /^\..+\.(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !(await exists(`/proc/${pid}`)))
      await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
