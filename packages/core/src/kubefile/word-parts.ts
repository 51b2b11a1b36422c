import { problemAt } from './errors.ts'
import type { Passage } from './passage.ts'
import type { Operator, Part } from './words.ts'

/** How characters are read in one kind of place. */
interface Manner {
  /** What ends the text before its end does. It is not read. */
  readonly until: string
  /** Whether quotes group and vanish. */
  readonly quotes: boolean
  /** What the escape character, besides itself, takes the meaning from; elsewhere it is a character like others. */
  readonly escaped: string | 'anything'
  /** Whether all that is read has no meaning but its own. */
  readonly quoted: boolean
}

export const manners = {
  /** A word: a blank ends it. */
  word: { until: ' \t', quotes: true, escaped: 'anything', quoted: false },
  /** The rest of a line. */
  rest: { until: '', quotes: true, escaped: 'anything', quoted: false },
  /** The text of a heredoc or of a string in JSON. */
  text: { until: '', quotes: false, escaped: '$', quoted: false },
} as const satisfies Record<string, Manner>
const doubleQuoted: Manner = { until: '"', quotes: false, escaped: '"$', quoted: true }

/** `${A:-${B:-…}}` any deeper is no wish but an attack on the stack. */
const deepest = 16

interface Reading {
  readonly passage: Passage
  readonly manner: Manner
  readonly depth: number
}

interface Piece {
  readonly parts: readonly Part[]
  readonly end: number
}

/** The parts of the text from `start` to what ends them. @throws KUBEFILE_INVALID */
export function readParts(passage: Passage, start: number, manner: Manner, depth = 0): Piece {
  const { text } = passage
  const reading = { passage, manner, depth }
  const parts: Part[] = []
  let plain = start
  let offset = start
  const flush = () => {
    if (plain < offset) parts.push({ text: text.slice(plain, offset), quoted: manner.quoted })
  }
  while (offset < text.length && !manner.until.includes(text.charAt(offset))) {
    const piece = pieceAt(reading, offset)
    if (piece === undefined) {
      offset++
      continue
    }
    flush()
    parts.push(...piece.parts)
    offset = piece.end
    plain = offset
  }
  flush()
  return { parts, end: offset }
}

/** What is more than a plain character. */
function pieceAt({ passage, manner, depth }: Reading, offset: number): Piece | undefined {
  const { text, escape: mark } = passage
  const character = text[offset]
  if (character === '$') return readVariable(passage, offset, manner, depth)
  if (character === mark) {
    const next = text[offset + 1]
    const means =
      next === mark || manner.escaped === 'anything' || (next !== undefined && manner.escaped.includes(next))
    return next !== undefined && means ? { parts: [{ text: next, quoted: true }], end: offset + 2 } : undefined
  }
  if (!manner.quotes || (character !== '"' && character !== "'")) return undefined
  const { parts, end } =
    character === "'" ? singleQuoted(text, offset + 1) : readParts(passage, offset + 1, doubleQuoted, depth)
  if (text[end] === character) return { parts, end: end + 1 }
  throw problemAt(
    passage.source,
    passage.at(offset),
    `The quote ${character} is not closed.`,
    `Close it, or write ${mark}${character} for a plain one.`,
  )
}

function singleQuoted(text: string, start: number): Piece {
  const closing = text.indexOf("'", start)
  const end = closing === -1 ? text.length : closing
  return { parts: [{ text: text.slice(start, end), quoted: true }], end }
}

/** Undefined when the dollar stands for itself. */
function readVariable(passage: Passage, start: number, manner: Manner, depth: number): Piece | undefined {
  const { text, source } = passage
  const refuse = (reason: string) =>
    problemAt(
      source,
      passage.at(start),
      reason,
      'Write ${NAME}, ${NAME:-used when empty}, ${NAME:+used when set} or ${NAME%suffix taken away}; \\$ is a plain dollar.',
    )
  const bare = matchAt(/\$([A-Za-z_][A-Za-z0-9_]*)/y, text, start)
  const at = passage.at(start)
  if (bare?.[1] !== undefined) return { parts: [{ variable: bare[1], at }], end: start + bare[0].length }
  if (text[start + 1] !== '{') return undefined
  const [opening, variable, operator] =
    matchAt(/\$\{([A-Za-z_][A-Za-z0-9_]*)(:[-+?]|##?|%%?|[-+?}])/y, text, start) ?? []
  if (opening === undefined || variable === undefined) throw refuse('This is not a variable.')
  const inside = start + opening.length
  if (operator === '}') return { parts: [{ variable, at }], end: inside }
  if (depth === deepest) throw refuse(`Variables are nested more than ${deepest} deep.`)
  const around = manner === doubleQuoted ? manners.rest : manner // quotes inside the braces are not those around them
  const { parts, end } = readParts(passage, inside, { ...around, until: '}' }, depth + 1)
  if (text[end] !== '}') throw refuse('The variable has no closing brace.')
  return {
    parts: [{ variable, at, operation: { operator: operator as Operator, parts } }],
    end: end + 1,
  }
}

function matchAt(sticky: RegExp, text: string, offset: number): RegExpExecArray | null {
  sticky.lastIndex = offset
  return sticky.exec(text)
}
