import { problemAt } from './errors.ts'
import type { Position } from './kubefile.ts'
import type { LogicalLine } from './lines.ts'

/** A word as written: its quotes are gone, its variables still to be put in. */
export interface Word {
  readonly at: Position
  /** With its quotes, as the user wrote it. */
  readonly raw: string
  readonly parts: readonly Part[]
}

/** A piece of a word. */
export type Part = Literal | Variable

interface Literal {
  readonly text: string
  /** Stood in quotes or behind the escape character, so that it has no meaning but its own. */
  readonly quoted: boolean
}

/** `$NAME`, `${NAME}`, `${NAME:-used when unset or empty}`, `${NAME:+used when set}`. */
interface Variable {
  readonly variable: string
  readonly at: Position
  readonly otherwise?: { readonly when: 'absent' | 'present'; readonly parts: readonly Part[] }
}

/** Gives the value of a variable; undefined when nobody has declared it. */
export type Variables = (name: string) => string | undefined

interface Reading {
  readonly line: LogicalLine
  /** Whether quotes group and vanish; in JSON strings they are plain characters. */
  readonly quotes: boolean
  /** Whether a word ends at a blank. */
  readonly blanks: 'end' | 'belong'
  /** Characters of `text` to those of the line. */
  readonly shift: number
}

/** The words from `start` to the line's end: parted by blanks, quotes group and are removed. @throws KUBEFILE_INVALID */
export function wordsOf(line: LogicalLine, start: number): Word[] {
  const words: Word[] = []
  let offset = skipBlanks(line.text, start)
  while (offset < line.text.length) {
    const { word, end } = readWord(line.text, offset, { line, quotes: true, blanks: 'end', shift: 0 })
    words.push(word)
    offset = skipBlanks(line.text, end)
  }
  return words
}

/** All that follows as one word, blanks included. */
export function restAsWord(line: LogicalLine, start: number): Word {
  return readWord(line.text, skipBlanks(line.text, start), { line, quotes: true, blanks: 'belong', shift: 0 }).word
}

/** A string of a JSON array; `$` has its meaning, quotes have none. */
export function jsonWord(line: LogicalLine, text: string, offset: number): Word {
  const { word } = readWord(text, 0, { line, quotes: false, blanks: 'belong', shift: offset })
  return { ...word, at: line.at(offset) }
}

/** Cuts `NAME=VALUE` at the first `=`. Undefined when there is none. */
export function splitPair(word: Word): { name: Word; value: Word } | undefined {
  for (const quotedToo of [false, true]) {
    for (const [index, part] of word.parts.entries()) {
      if (!('text' in part) || (part.quoted && !quotedToo)) continue
      const cut = part.text.indexOf('=')
      if (cut === -1) continue
      const before: Part[] = [...word.parts.slice(0, index), { ...part, text: part.text.slice(0, cut) }]
      const after: Part[] = [{ ...part, text: part.text.slice(cut + 1) }, ...word.parts.slice(index + 1)]
      return { name: { ...word, parts: before }, value: { ...word, parts: after } }
    }
  }
  return undefined
}

/** The word's text with its variables put in. @throws KUBEFILE_INVALID for a variable that nobody has declared */
export function expand(word: Word, variables: Variables, source: LogicalLine['source']): string {
  return word.parts
    .map((part) => {
      if ('text' in part) return part.text
      const value = variables(part.variable)
      const inner = (parts: readonly Part[]) => expand({ ...word, parts }, variables, source)
      if (part.otherwise?.when === 'absent')
        return value === undefined || value === '' ? inner(part.otherwise.parts) : value
      if (part.otherwise?.when === 'present')
        return value === undefined || value === '' ? '' : inner(part.otherwise.parts)
      if (value !== undefined) return value
      throw problemAt(
        source,
        part.at,
        `The variable ${part.variable} is not declared.`,
        `Declare it above with ARG ${part.variable}=… or ENV, give it a value here with \${${part.variable}:-…}, or write \\$ for a plain dollar.`,
      )
    })
    .join('')
}

/** The word's text when no variable is in it. */
export function literal(word: Word): string | undefined {
  const texts = word.parts.map((part) => ('text' in part ? part.text : undefined))
  return texts.includes(undefined) ? undefined : texts.join('')
}

function skipBlanks(text: string, offset: number): number {
  let at = offset
  while (at < text.length && isBlank(text[at])) at++
  return at
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function readWord(text: string, start: number, reading: Reading): { word: Word; end: number } {
  const parts: Part[] = []
  let plain = ''
  let offset = start
  const flush = () => {
    if (plain !== '') parts.push({ text: plain, quoted: false })
    plain = ''
  }
  const { line, quotes } = reading
  while (offset < text.length) {
    const character = text[offset] ?? ''
    if (reading.blanks === 'end' && isBlank(character)) break
    if (quotes && character === "'") {
      flush()
      const end = text.indexOf("'", offset + 1)
      if (end === -1) throw openQuote(reading, offset, character)
      parts.push({ text: text.slice(offset + 1, end), quoted: true })
      offset = end + 1
    } else if (quotes && character === '"') {
      flush()
      const inside = readDoubleQuoted(text, offset, reading)
      parts.push(...inside.parts)
      offset = inside.end
    } else if (quotes && character === line.escape && offset + 1 < text.length) {
      flush()
      parts.push({ text: text[offset + 1] ?? '', quoted: true })
      offset += 2
    } else if (character === '$') {
      const variable = readVariable(text, offset, reading)
      if (variable === undefined) {
        plain += character
        offset++
      } else {
        flush()
        parts.push(variable.part)
        offset = variable.end
      }
    } else {
      plain += character
      offset++
    }
  }
  flush()
  return { word: { at: line.at(start + reading.shift), raw: text.slice(start, offset), parts }, end: offset }
}

function readDoubleQuoted(text: string, start: number, reading: Reading): { parts: Part[]; end: number } {
  const parts: Part[] = []
  let offset = start + 1
  let plain = ''
  const flush = () => {
    parts.push({ text: plain, quoted: true })
    plain = ''
  }
  while (text[offset] !== '"') {
    const character = text[offset]
    const next = text[offset + 1]
    if (character === undefined) throw openQuote(reading, start, '"')
    if (character === reading.line.escape && (next === '"' || next === '$' || next === reading.line.escape)) {
      plain += next
      offset += 2
      continue
    }
    const variable = character === '$' ? readVariable(text, offset, reading) : undefined
    if (variable === undefined) {
      plain += character
      offset++
    } else {
      flush()
      parts.push(variable.part)
      offset = variable.end
    }
  }
  flush()
  return { parts, end: offset + 1 }
}

/** Undefined when the dollar stands for itself. */
function readVariable(text: string, start: number, reading: Reading): { part: Variable; end: number } | undefined {
  const at = reading.line.at(start + reading.shift)
  const [bare, name] = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text.slice(start)) ?? []
  if (bare !== undefined && name !== undefined) return { part: { variable: name, at }, end: start + bare.length }
  if (text[start + 1] !== '{') return undefined
  const [opening, braced, operator] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|:\+|\})/.exec(text.slice(start)) ?? []
  const refuse = (reason: string) =>
    problemAt(
      reading.line.source,
      at,
      reason,
      'Write ${NAME}, ${NAME:-used when empty} or ${NAME:+used when set}; \\$ is a plain dollar.',
    )
  if (opening === undefined || braced === undefined) throw refuse('This is not a variable.')
  const inside = start + opening.length
  if (operator === '}') return { part: { variable: braced, at }, end: inside }
  const end = closingBrace(text, inside)
  if (end === undefined) throw refuse('The variable has no closing brace.')
  const { word } = readWord(text.slice(0, end), inside, { ...reading, blanks: 'belong' })
  return {
    part: { variable: braced, at, otherwise: { when: operator === ':-' ? 'absent' : 'present', parts: word.parts } },
    end: end + 1,
  }
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 1
  for (let offset = start; offset < text.length; offset++) {
    if (text.startsWith('${', offset)) depth++
    if (text[offset] === '}') depth--
    if (depth === 0) return offset
  }
  return undefined
}

function openQuote(reading: Reading, offset: number, quote: string) {
  return problemAt(
    reading.line.source,
    reading.line.at(offset + reading.shift),
    `The quote ${quote} is not closed.`,
    `Close it, or write ${reading.line.escape}${quote} for a plain one.`,
  )
}
