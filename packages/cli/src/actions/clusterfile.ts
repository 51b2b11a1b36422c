import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { readClusterfile, type Wish } from '@sealer/core'
import { type CliContext, warn } from '../context.ts'
import { errors } from '../errors.ts'
import { claimsOf } from '../plugins.ts'

/** The wish of a Clusterfile; `-` is standard input. Its warnings are said. @throws FILE_UNREADABLE, CLUSTERFILE_INVALID */
export async function clusterfileWish(context: CliContext, file: string): Promise<Wish> {
  const content = file === '-' ? await text(context.terminal.stdin) : await contentOf(file)
  const { wish, warnings } = await readClusterfile(
    content,
    file === '-' ? 'standard input' : file,
    await claimsOf(context.home),
  )
  for (const warning of warnings) warn(context, warning)
  return wish
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'it is not allowed',
      EISDIR: 'it is a folder',
    }
    throw errors.FILE_UNREADABLE({ file, reason: reasons[code ?? ''] ?? String(code) }, { cause })
  }
}
