import { posix } from 'node:path'

/** Whether a path has characters that stand for others. */
export function isGlob(path: string): boolean {
  return /[*?[]/.test(path)
}

/**
 * One part of a path with `*`, `?`, `[a-z]`, `[^a]` and `\x`, as Go's filepath.Match reads it, which Dockerfiles follow. Nothing matches
 * a slash. Undefined when a bracket is not closed.
 */
export function globPattern(part: string): RegExp | undefined {
  let pattern = ''
  for (let index = 0; index < part.length; index++) {
    const character = part[index] ?? ''
    if (character === '*') pattern += '[^/]*'
    else if (character === '?') pattern += '[^/]'
    else if (character === '\\') pattern += literalOf(part[++index] ?? '\\')
    else if (character === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(part.slice(index))
      if (set === null) return undefined
      pattern += `[${set[1] ?? ''}${(set[2] ?? '').replaceAll(/\\?([\s\S])/g, (_, one: string) => (one === '-' ? '-' : literalOf(one)))}]`
      index += set[0].length - 1
    } else pattern += literalOf(character)
  }
  try {
    return new RegExp(`^${pattern}$`, 'u')
  } catch {
    return undefined // a range that runs backwards
  }
}

function literalOf(character: string): string {
  return character.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Paths that a pattern names, sorted; `names` lists a folder. Undefined when a bracket is not closed. */
export async function matching(
  path: string,
  names: (folder: string) => Promise<readonly string[]>,
): Promise<string[] | undefined> {
  let found = ['']
  for (const part of path.split('/')) {
    const pattern = globPattern(part)
    if (pattern === undefined) return undefined
    const next = await Promise.all(
      found.map(async (folder) =>
        (await names(folder)).filter((name) => pattern.test(name)).map((name) => posix.join(folder, name)),
      ),
    )
    found = next.flat()
  }
  return found.sort()
}
