import type { SealerError } from '../errors.ts'
import { problemAt } from './errors.ts'
import type { LogicalLine } from './lines.ts'
import type { Passage } from './passage.ts'
import { firstWord, literal, splitPair, textAsWord, type Word, wordsOf } from './words.ts'

/** An instruction that is being read: what stands behind its first word. */
export interface Reading {
  readonly line: LogicalLine
  /** In upper case. */
  readonly keyword: string
  /** Where the arguments begin in the line's text. */
  readonly start: number
}

/** Words with `--` at the beginning, and where they end. @throws KUBEFILE_INVALID for one that is not known */
export function readFlags(reading: Reading, known: readonly string[]): { flags: Record<string, Word>; end: number } {
  const { line, keyword } = reading
  const flags: Record<string, Word> = {}
  let end = reading.start
  for (;;) {
    const found = firstWord(line, end)
    const [, name] = /^--([A-Za-z-]*)/.exec(found?.word.raw ?? '') ?? []
    if (found === undefined || name === undefined) return { flags, end }
    const value = splitPair(found.word)?.value
    if (!known.includes(name))
      throw refuse(reading, found.start, `${keyword} has no flag --${name}.`, instead(name, known))
    if (value === undefined || literal(value) === '')
      throw refuse(reading, found.start, `--${name} needs a value.`, `Write --${name}=VALUE.`)
    if (flags[name] !== undefined) throw refuse(reading, found.start, `--${name} stands twice.`, 'Write it once.')
    flags[name] = value
    end = found.end
  }
}

/** Flags of a Dockerfile that mean nothing here, with what to do instead. */
const foreign: Readonly<Record<string, string>> = {
  link: 'Leave it out: a layer here never depends on those below it.',
  exclude: 'Say in .kubeignore what is left out, or name what is copied.',
  parents: 'Write one COPY for each folder, with the folder in the target.',
  mount: 'COPY what the command needs, and remove in the same RUN what must not stay.',
  security: 'Leave it out: every command runs without privileges.',
}

function instead(name: string, known: readonly string[]): string {
  return Object.hasOwn(foreign, name)
    ? (foreign[name] ?? '')
    : `It knows ${known.map((one) => `--${one}=…`).join(', ')}.`
}

/** A list as words, or as a JSON array of strings. @throws KUBEFILE_INVALID */
export function wordsOrJson(reading: Reading, start: number): Word[] {
  return jsonOf(reading, start)?.map(textAsWord) ?? wordsOf(reading.line, start)
}

/** The strings of a JSON array; undefined when the text does not look like one. @throws KUBEFILE_INVALID */
export function jsonOf(reading: Reading, start: number): Passage[] | undefined {
  const text = reading.line.text.slice(start)
  const opening = text.length - text.trimStart().length
  if (!/^\s*\[\s*(?:"|'|\])/.test(text)) return undefined
  const bad = (reason: string) =>
    refuse(reading, start + opening, reason, 'Write a JSON array of strings in double quotes, e.g. ["a", "b c"].')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bad('This is not a JSON array.')
  }
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw bad('A JSON array here holds strings only.')
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) =>
    jsonText(match[1] ?? '', start + match.index + 1, reading),
  )
}

/** A string of JSON whose characters know where they stand, also behind `\"` and `\u0041`. */
function jsonText(written: string, start: number, { line }: Reading): Passage {
  const places = [...written.matchAll(/\\u[0-9a-fA-F]{4}|\\?[\s\S]/g)].map(({ index }) => start + index)
  const at = (offset: number) => line.at(places[offset] ?? start + written.length)
  return { ...line, text: JSON.parse(`"${written}"`), at }
}

/** A problem at an offset of the line, or at the instruction when nothing stands there. */
export function refuse({ line }: Reading, offset: number, reason: string, remedy: string): SealerError {
  const text = line.text.slice(offset)
  const at = text.trim() === '' ? 0 : offset + text.length - text.trimStart().length
  return problemAt(line.source, line.at(at), reason, remedy)
}
