import { type KubefileText, problemAt } from './errors.ts'
import { type Heredoc, readHeredocs } from './heredocs.ts'
import { type Passage, passage, type Segment } from './passage.ts'

/** One instruction's text: continued lines joined, comments between them left out. */
export interface LogicalLine extends Passage {
  /** Texts given below the instruction (`<<EOT`), in the order of their names. */
  readonly heredocs: readonly Heredoc[]
}

const directive = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S.*?)\s*$/

/**
 * Cuts a Kubefile into its instructions, by the rules of a Dockerfile: `#` lines are comments, also inside a continuation; a line that
 * ends with the escape character goes on; `# escape=` counts before everything else only. CRLF and a byte order mark are no content.
 * @throws KUBEFILE_INVALID
 */
export function logicalLines(source: KubefileText): LogicalLine[] {
  const lines = source.text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const mark = escapeOf(source, lines)
  const found: LogicalLine[] = []
  let index = 0
  while (index < lines.length) {
    if (isBlankOrComment(lines[index])) {
      index++
      continue
    }
    const joined = joinedFrom(lines, index, mark)
    const line = passage(source, mark, joined.text, joined.segments)
    const { heredocs, end } = readHeredocs(line, lines, joined.end)
    found.push({ ...line, heredocs })
    index = end
  }
  return found
}

/** Joins the line at `first` with those that continue it; `end` is the first line behind them. */
function joinedFrom(lines: readonly string[], first: number, mark: string) {
  const segments: Segment[] = []
  let text = ''
  let end = first
  for (let goesOn = true; goesOn && end < lines.length; end++) {
    const line = lines[end] ?? ''
    if (end > first && isBlankOrComment(line)) continue
    const start = end === first ? line.length - line.trimStart().length : 0
    segments.push({ offset: text.length, line: end + 1, column: start + 1 })
    const bare = trimBlanks(line)
    goesOn = endsWithOne(bare, mark)
    text += goesOn ? bare.slice(start, -1) : line.slice(start)
  }
  return { text: text.trimEnd(), segments, end }
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
  const text = line.trimStart()
  return text === '' || text.startsWith('#')
}

/** Without blanks and tabs at its end. A pattern would take quadratic time on a long run of blanks inside the line. */
function trimBlanks(line: string): string {
  let end = line.length
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end--
  return line.slice(0, end)
}

/** Whether a line ends with the escape character, which is not itself escaped. */
function endsWithOne(line: string, mark: string): boolean {
  let count = 0
  while (line[line.length - 1 - count] === mark) count++
  return count % 2 === 1
}
