import { posix } from 'node:path'
import { type KubefileText, problemAt } from './errors.ts'
import { globPattern } from './glob.ts'

/** A line of the ignore file. */
interface Rule {
  readonly pattern: RegExp
  /** Begins with `!`: what it matches is taken after all. */
  readonly keeps: boolean
  /** Folders above everything that the rule can match. */
  readonly root: string
  readonly line: number
}

/** What of the build context is left out, as a `.dockerignore` says it: the last line that matches a path or a folder above it decides. */
export class IgnoreRules {
  readonly #file: string
  readonly #rules: readonly Rule[]

  /** @throws KUBEFILE_INVALID for a line that is no pattern */
  constructor(source?: KubefileText) {
    this.#file = source?.file ?? ''
    this.#rules = source === undefined ? [] : rulesOf(source)
  }

  /** The line that leaves a path out, e.g. `.kubeignore:3`; undefined when the path belongs to the context. */
  reason(path: string): string | undefined {
    if (this.#rules.length === 0) return undefined
    const paths = withFoldersAbove(path)
    const last = this.#rules.findLast(({ pattern }) => paths.some((one) => pattern.test(one)))
    return last === undefined || last.keeps ? undefined : `${this.#file}:${last.line}`
  }

  /** Whether something below a folder that is left out may be taken after all. */
  mayKeepBelow(folder: string): boolean {
    return this.#rules.some(
      ({ keeps, root }) =>
        keeps && (root === '' || root.startsWith(`${folder}/`) || `${folder}/`.startsWith(`${root}/`)),
    )
  }
}

function rulesOf(source: KubefileText): Rule[] {
  const lines = source.text.replace(/^\uFEFF/, '').split(/\r?\n/)
  return lines.flatMap((written, index) => {
    if (written.startsWith('#')) return []
    const text = written.trim()
    const keeps = text.startsWith('!')
    const path = posix.normalize((keeps ? text.slice(1).trim() : text) || '.').replaceAll(/^\/+|\/+$/g, '')
    if (path === '.' || path === '') return []
    const parts = path.split('/')
    const pattern = patternOf(parts)
    if (pattern !== undefined) {
      const wild = parts.findIndex((part) => /[*?[\\]/.test(part))
      return [{ pattern, keeps, root: (wild === -1 ? parts : parts.slice(0, wild)).join('/'), line: index + 1 }]
    }
    throw problemAt(
      source,
      { file: source.file, line: index + 1, column: written.length - written.trimStart().length + 1 },
      'This is not a pattern: a bracket is wrong.',
      'Write [a-z], or \\[ for a plain bracket.',
    )
  })
}

/** As moby's patternmatcher reads it: `**` is any number of folders, at the end everything below. */
function patternOf(parts: readonly string[]): RegExp | undefined {
  let pattern = ''
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1
    if (part === '**') {
      pattern += last ? '.*' : '(?:.*/)?'
      continue
    }
    const one = globPattern(part)?.source.slice(1, -1)
    if (one === undefined) return undefined
    pattern += last ? one : `${one}/`
  }
  return new RegExp(`^${pattern}$`, 'su')
}

function withFoldersAbove(path: string): string[] {
  const paths = [path]
  for (let above = posix.dirname(path); above !== '.' && above !== '/'; above = posix.dirname(above)) paths.push(above)
  return paths
}
