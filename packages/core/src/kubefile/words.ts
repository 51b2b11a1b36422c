import type { Heredoc } from './heredocs.ts'
import type { Position } from './kubefile.ts'
import type { Passage } from './passage.ts'
import { manners, readParts } from './word-parts.ts'

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

/** `$NAME`, `${NAME}`, `${NAME:-used when unset or empty}` and what else a shell can do with a variable. */
export interface Variable {
  readonly variable: string
  readonly at: Position
  readonly operation?: { readonly operator: Operator; readonly parts: readonly Part[] }
}

/** What stands between a variable and its argument, as in POSIX `sh`; with the colon an empty value counts as none. */
export type Operator = ':-' | '-' | ':+' | '+' | ':?' | '?' | '#' | '##' | '%' | '%%'

/** Gives the value of a variable; undefined when nobody has declared it. */
export type Variables = (name: string) => string | undefined

/** A word and where it ends in its line. */
interface Found {
  readonly word: Word
  readonly start: number
  readonly end: number
}

/** The words from `start` to the line's end: parted by blanks, quotes group and are removed. @throws KUBEFILE_INVALID */
export function wordsOf(line: Passage, start: number): Word[] {
  return [...foundWords(line, start)].map(({ word }) => word)
}

/** The first word from `start`. @throws KUBEFILE_INVALID */
export function firstWord(line: Passage, start: number): Found | undefined {
  return foundWords(line, start).next().value ?? undefined
}

/** The words from `start` with their places. @throws KUBEFILE_INVALID */
export function* foundWords(line: Passage, start: number): Generator<Found, undefined> {
  for (let offset = skipBlanks(line.text, start); offset < line.text.length; ) {
    const { parts, end } = readParts(line, offset, manners.word)
    yield { word: { at: line.at(offset), raw: line.text.slice(offset, end), parts }, start: offset, end }
    offset = skipBlanks(line.text, end)
  }
  return undefined
}

/** All that follows as one word, blanks included. @throws KUBEFILE_INVALID */
export function restAsWord(line: Passage, start: number): Word {
  const begin = skipBlanks(line.text, start)
  const { parts, end } = readParts(line, begin, manners.rest)
  return { at: line.at(begin), raw: line.text.slice(begin, end), parts }
}

/** A whole text in which quotes have no meaning: a string of a JSON array. @throws KUBEFILE_INVALID */
export function textAsWord(text: Passage): Word {
  return { at: text.at(0), raw: text.text, parts: readParts(text, 0, manners.text).parts }
}

/** The content of a heredoc: with variables, unless its name stands in quotes. @throws KUBEFILE_INVALID */
export function heredocAsWord({ at, body, quoted }: Heredoc): Word {
  const word = quoted ? { raw: body.text, parts: [{ text: body.text, quoted: true }] } : textAsWord(body)
  return { ...word, at }
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

/** The word's text when no variable is in it. */
export function literal(word: Word): string | undefined {
  const texts = word.parts.map((part) => ('text' in part ? part.text : undefined))
  return texts.includes(undefined) ? undefined : texts.join('')
}

function skipBlanks(text: string, offset: number): number {
  let at = offset
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}
