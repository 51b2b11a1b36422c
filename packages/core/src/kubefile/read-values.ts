import { problemAt } from './errors.ts'
import type { Instruction, Pair } from './instructions.ts'
import { type Reading, refuse } from './reading.ts'
import { firstWord, literal, restAsWord, splitPair, type Word, wordsOf } from './words.ts'

/** ARG. @throws KUBEFILE_INVALID */
export function readArg(reading: Reading): Instruction {
  const words = wordsOf(reading.line, reading.start)
  if (words.length === 0)
    throw refuse(reading, reading.start, 'ARG needs a name.', 'Write ARG NAME or ARG NAME=DEFAULT.')
  const args = words.map((word) => {
    const pair = splitPair(word)
    const name = literal(pair?.name ?? word) ?? ''
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw problemAt(
        reading.line.source,
        word.at,
        `"${name === '' ? word.raw : name}" is not the name of a variable.`,
        'A name has letters, digits and _, and does not begin with a digit.',
      )
    }
    return { name, at: word.at, ...(pair === undefined ? {} : { value: pair.value }) }
  })
  return { kind: 'ARG', at: reading.line.at(0), args }
}

/** `NAME=VALUE…`, or the old form `NAME VALUE` where everything behind the name is the value. @throws KUBEFILE_INVALID */
export function readPairs(reading: Reading): Pair[] {
  const found = firstWord(reading.line, reading.start)
  if (found === undefined)
    throw refuse(
      reading,
      reading.start,
      `${reading.keyword} needs a name and a value.`,
      `Write ${reading.keyword} NAME=VALUE.`,
    )
  const { word: first, end } = found
  if (splitPair(first) === undefined) {
    const value = restAsWord(reading.line, end)
    if (value.raw === '')
      throw problemAt(
        reading.line.source,
        first.at,
        `${first.raw} has no value.`,
        `Write ${reading.keyword} ${first.raw}=VALUE.`,
      )
    return [named(reading, { name: first, value })]
  }
  return pairsOf(reading, wordsOf(reading.line, reading.start))
}

/** Words of which each is `NAME=VALUE`. @throws KUBEFILE_INVALID */
export function pairsOf(reading: Reading, words: readonly Word[]): Pair[] {
  return words.map((word) => {
    const pair = splitPair(word)
    if (pair === undefined) {
      throw problemAt(
        reading.line.source,
        word.at,
        `There is no = in ${word.raw}.`,
        'Write NAME=VALUE; a value with blanks goes in quotes: NAME="a b".',
      )
    }
    return named(reading, pair)
  })
}

function named(reading: Reading, pair: Pair): Pair {
  if (literal(pair.name) === '')
    throw problemAt(reading.line.source, pair.name.at, 'A name is missing before the =.', 'Write NAME=VALUE.')
  return pair
}

/** All that stands behind the instruction. @throws KUBEFILE_INVALID */
export function readText(reading: Reading, what: string): Word {
  const word = restAsWord(reading.line, reading.start)
  if (word.raw === '')
    throw refuse(reading, reading.start, `${reading.keyword} needs ${what}.`, `Write it behind ${reading.keyword}.`)
  return word
}
