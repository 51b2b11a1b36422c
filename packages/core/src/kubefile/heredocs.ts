import { problemAt } from './errors.ts'
import type { Position } from './kubefile.ts'
import { type Passage, passage, type Segment } from './passage.ts'

/** A text given below its instruction, as in `COPY <<EOT etc/motd`. */
export interface Heredoc {
  /** What ends the text, without its quotes. */
  readonly name: string
  /** Where the word `<<NAME` stands in the instruction's text. */
  readonly start: number
  readonly end: number
  readonly at: Position
  /** The name stood in quotes, so that nothing in the text has a meaning but its own. */
  readonly quoted: boolean
  /** Every line with its line end; of `<<-` without leading tabs. */
  readonly body: Passage
}

const takesHeredocs = /^(?:COPY|ADD|RUN)\s/i
const heredocWord = /^\d*<<(-?)([^<]+)$/
/** So that the shift in `$((1 <<2))` is none. */
const heredocName = /^[A-Za-z_][\w.+-]*$/

/**
 * The texts that an instruction's words name, read from the lines behind it, as a Dockerfile since syntax 1.4 has them. `end` is the first
 * line that belongs to none.
 * @throws KUBEFILE_INVALID
 */
export function readHeredocs(
  line: Passage,
  lines: readonly string[],
  next: number,
): { heredocs: Heredoc[]; end: number } {
  const heredocs: Heredoc[] = []
  let end = next
  if (!takesHeredocs.test(line.text)) return { heredocs, end }
  for (const { start, raw } of rawWords(line)) {
    const [, dash, written] = heredocWord.exec(raw) ?? []
    const name = written?.replaceAll(/\\(.)|["']/g, '$1') ?? ''
    if (written === undefined || !heredocName.test(name)) continue
    const first = end
    const strip = (text = '') => (dash === '-' ? text.replace(/^\t+/, '') : text)
    while (end < lines.length && strip(lines[end]) !== name) end++
    if (end === lines.length) {
      throw problemAt(
        line.source,
        line.at(start),
        `The text <<${written} never ends.`,
        `Write ${name} alone on a line after it.`,
      )
    }
    const body = bodyOf(line, lines.slice(first, end), first, strip)
    const place = { start, end: start + raw.length, at: line.at(start) }
    heredocs.push({ name, ...place, quoted: name !== written, body })
    end++
  }
  return { heredocs, end }
}

function bodyOf(
  { source, escape: mark }: Passage,
  lines: readonly string[],
  above: number,
  strip: (text: string) => string,
): Passage {
  const segments: Segment[] = []
  let text = ''
  for (const [index, line] of lines.entries()) {
    const bare = strip(line)
    segments.push({ offset: text.length, line: above + index + 1, column: line.length - bare.length + 1 })
    text += `${bare}\n`
  }
  return passage(source, mark, text, segments)
}

/** Words with their quotes. An open quote ends the search: it is no mistake here, since a shell's text follows rules of its own. */
function* rawWords({ text, escape: mark }: Passage): Generator<{ start: number; raw: string }> {
  let start = 0
  let quote: string | undefined
  for (let offset = 0; offset <= text.length; offset++) {
    const character = text[offset]
    if (quote !== undefined) {
      if (character === undefined) return
      if (character === mark && quote === '"') offset++
      else if (character === quote) quote = undefined
    } else if (character === undefined || /\s/.test(character)) {
      if (offset > start) yield { start, raw: text.slice(start, offset) }
      start = offset + 1
    } else if (character === mark) offset++
    else if (character === '"' || character === "'") quote = character
  }
}
