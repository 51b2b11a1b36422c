import { isUtf8 } from 'node:buffer'
import { readFile, realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import type { Platform } from '../hosts/host.ts'
import type { BuildSource } from '../lifecycles/build-types.ts'
import { buildErrors, type KubefileText, problemAt } from './errors.ts'
import { parseKubefile } from './parse.ts'

/** Where a build's input lies. */
export interface SourceOptions {
  readonly context: string
  readonly file?: string
  readonly platforms: readonly Platform[]
  readonly buildArgs?: Readonly<Record<string, string>>
}

/**
 * Finds and parses the Kubefile: a file that is named is looked for as given, then in the context.
 * @throws CONTEXT_NOT_FOUND, KUBEFILE_NOT_FOUND, KUBEFILE_INVALID, KUBEFILE_PROBLEMS
 */
export async function readSource({ context, file, platforms, buildArgs = {} }: SourceOptions): Promise<BuildSource> {
  const folder = await realpath(context).catch(() => undefined)
  if (folder === undefined || !(await stat(folder)).isDirectory()) throw buildErrors.CONTEXT_NOT_FOUND({ context })
  const tried =
    file === undefined ? [resolve(folder, 'Kubefile')] : [...new Set([resolve(file), resolve(folder, file)])]
  for (const path of tried) {
    const bytes = await readFile(path).catch(() => undefined)
    if (bytes === undefined) continue
    const kubefile = parseKubefile(textOf(bytes, shown(path)), shown(path))
    const ignore = await firstText([`${path}.kubeignore`, resolve(folder, '.kubeignore')])
    return { kubefile, context: folder, platforms, buildArgs, ...(ignore && { ignore }) }
  }
  throw buildErrors.KUBEFILE_NOT_FOUND({ tried })
}

function textOf(bytes: Buffer, file: string): string {
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString()
  throw problemAt(
    { file, text: '' },
    { file, line: 1, column: 1 },
    'This file is not text in UTF-8.',
    'Name the Kubefile with -f, or save it as UTF-8.',
  )
}

async function firstText(paths: readonly string[]): Promise<KubefileText | undefined> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text !== undefined) return { file: shown(path), text }
  }
  return undefined
}

/** The path as the user can open it from where they are. */
function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') || isAbsolute(near) ? path : near
}
