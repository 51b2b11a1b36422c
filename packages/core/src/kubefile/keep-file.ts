import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Gives a finished file its name. One of that name stays as it is: another platform of the build may be reading it. */
export async function keepFile(draft: string, file: string): Promise<void> {
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Writes a text to a file unless it is there. */
export async function keepText(text: string, file: string, draft: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeFile(draft, text)
    await keepFile(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}
