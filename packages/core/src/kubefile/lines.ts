import { type KubefileText, problemAt } from './errors.ts'
import type { Position } from './kubefile.ts'

/** One instruction's text: continued lines joined, comments between them left out. */
export interface LogicalLine {
  readonly source: KubefileText
  readonly text: string
  /** The character that takes the meaning from the next one: `\`, or what the directive `escape` says. */
  readonly escape: string
  /** Texts given below the instruction (`<<EOT`). */
  readonly heredocs: readonly Heredoc[]
  /** Where a character of `text` stands in the file. */
  at(offset: number): Position
}

/** A text given inside the Kubefile. */
export interface Heredoc {
  readonly name: string
  readonly at: Position
  readonly body: string
}

interface Segment {
  readonly offset: number
  readonly line: number
  readonly column: number
}

const directive = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S.*?)\s*$/
const takesHeredocs = /^(?:COPY|ADD|RUN)\s/i
const heredocStart = /(?<=\s)<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_.]*)\2/g

/**
 * Cuts a Kubefile into its instructions, by the rules of a Dockerfile: `#` lines are comments, also inside a continuation; a line that
 * ends with the escape character goes on; `# escape=` counts before everything else only. CRLF and a byte order mark are no content.
 * @throws KUBEFILE_INVALID
 */
export function logicalLines(source: KubefileText): LogicalLine[] {
  const lines = source.text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const escapeCharacter = escapeOf(source, lines)
  const continues = continuation(escapeCharacter)
  const found: LogicalLine[] = []
  for (let index = 0; index < lines.length; index++) {
    if (isBlankOrComment(lines[index])) continue
    const segments: Segment[] = []
    let text = ''
    for (let goesOn = true; goesOn && index < lines.length; index++) {
      const line = lines[index] ?? ''
      if (text !== '' && isBlankOrComment(line)) continue
      const start = text === '' ? line.length - line.trimStart().length : 0
      goesOn = continues.test(line)
      segments.push({ offset: text.length, line: index + 1, column: start + 1 })
      text += goesOn ? line.slice(start).replace(/.[ \t]*$/, '') : line.slice(start)
    }
    const at = (offset: number) => placeOf(source.file, segments, offset)
    const heredocs: Heredoc[] = []
    if (takesHeredocs.test(text)) {
      for (const match of text.matchAll(heredocStart)) {
        const end = lines.findIndex(
          (line, after) => after >= index && (match[1] === '-' ? line.replace(/^\t+/, '') : line) === match[3],
        )
        if (end === -1) {
          throw problemAt(
            source,
            at(match.index),
            `The text <<${match[3]} never ends.`,
            `Write ${match[3]} alone on a line after it.`,
          )
        }
        heredocs.push({ name: match[3] ?? '', at: at(match.index), body: lines.slice(index, end).join('\n') })
        index = end + 1
      }
    }
    index--
    found.push({ source, text: text.trimEnd(), escape: escapeCharacter, heredocs, at })
  }
  return found
}

function escapeOf(source: KubefileText, lines: readonly string[]): string {
  for (const [index, line] of lines.entries()) {
    const [, name, value] = directive.exec(line) ?? []
    if (name === undefined) break
    if (name.toLowerCase() !== 'escape') continue
    if (value === '\\' || value === '`') return value
    throw problemAt(
      source,
      { file: source.file, line: index + 1, column: 1 },
      `The escape character cannot be "${value}".`,
      'Write # escape=` or # escape=\\.',
    )
  }
  return '\\'
}

function isBlankOrComment(line = ''): boolean {
  return /^\s*(?:#|$)/.test(line)
}

function placeOf(file: string, segments: readonly Segment[], offset: number): Position {
  const segment = segments.findLast((one) => one.offset <= offset) ?? { offset: 0, line: 1, column: 1 }
  return { file, line: segment.line, column: segment.column + offset - segment.offset }
}

/** A line goes on when it ends with the escape character, which is not itself escaped. */
function continuation(character: string): RegExp {
  const one = character === '\\' ? '\\\\' : character
  return new RegExp(`(?<!${one})(?:${one}${one})*${one}[ \\t]*$`)
}
