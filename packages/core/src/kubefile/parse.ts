import { SealerError } from '../errors.ts'
import { buildErrors, type KubefileText, problemAt } from './errors.ts'
import type { App, Instruction, Pair } from './instructions.ts'
import type { Kubefile } from './kubefile.ts'
import { type LogicalLine, logicalLines } from './lines.ts'
import { nearest } from './nearest.ts'
import { fileProblems } from './rules.ts'
import { jsonWord, literal, restAsWord, splitPair, type Word, wordsOf } from './words.ts'

/** What stands behind an instruction's first word. */
interface Reading {
  readonly line: LogicalLine
  readonly keyword: string
  /** Where the arguments begin in the line's text. */
  readonly start: number
}

const readers: Readonly<Record<string, (reading: Reading) => Instruction>> = {
  FROM: readFrom,
  COPY: (reading) => {
    const { flags, sources, target } = readCopy(reading, ['chown', 'chmod'])
    return { kind: 'COPY', at: reading.line.at(0), sources, target, ...flags }
  },
  ADD: (reading) => {
    const { flags, sources, target } = readCopy(reading, ['chown', 'chmod', 'checksum'])
    return { kind: 'ADD', at: reading.line.at(0), sources, target, ...flags }
  },
  ARG: readArg,
  ENV: (reading) => ({ kind: 'ENV', at: reading.line.at(0), pairs: readPairs(reading) }),
  LABEL: (reading) => ({ kind: 'LABEL', at: reading.line.at(0), pairs: readPairs(reading) }),
  MAINTAINER: (reading) => ({ kind: 'MAINTAINER', at: reading.line.at(0), name: readText(reading, 'a name') }),
  APP: (reading) => readApp(reading, 'APP'),
  CNI: (reading) => readApp(reading, 'CNI'),
  CSI: (reading) => readApp(reading, 'CSI'),
  APPENV: readAppEnv,
  APPCMDS: readAppCmds,
  KUBEVERSION: (reading) => ({
    kind: 'KUBEVERSION',
    at: reading.line.at(0),
    range: readText(reading, 'a range of versions, e.g. >=1.26 <1.30'),
  }),
  LAUNCH: (reading) => ({ kind: 'LAUNCH', at: reading.line.at(0), apps: readList(reading) }),
  CMDS: readCmds,
  CMD: readCmd,
}

/** Instructions of a Dockerfile that mean nothing here, with what to do instead. */
const foreign: Readonly<Record<string, string>> = {
  WORKDIR: 'Paths in a Kubefile start at the root of the image: write them out, e.g. COPY tool opt/tool.',
  USER: 'Everything in a cluster image belongs to root; use COPY --chown=UID:GID where it must not.',
  ENTRYPOINT: 'A cluster image has no process of its own; say what is launched with LAUNCH or CMDS.',
  EXPOSE: 'A cluster image opens no ports; a Service in a manifest does.',
  VOLUME: 'A cluster image has no volumes; a PersistentVolumeClaim in a manifest has.',
  ONBUILD: 'Write the instruction in the Kubefile that builds on this image.',
  SHELL: 'Name the shell in the command, e.g. CMDS ["bash -c \'…\'"].',
  HEALTHCHECK: 'Readiness is awaited from the apps themselves; put probes into the manifest.',
  STOPSIGNAL: 'A cluster image has no process of its own.',
}

/**
 * Reads a Kubefile. `file` is the name that errors show. All problems are found at once.
 * @throws KUBEFILE_INVALID; KUBEFILE_PROBLEMS when there are several
 */
export function parseKubefile(text: string, file = 'Kubefile'): Kubefile {
  const source: KubefileText = { file, text }
  const instructions: Instruction[] = []
  const problems: SealerError[] = []
  for (const line of logicalLines(source)) {
    try {
      instructions.push(readInstruction(line))
    } catch (error) {
      if (!SealerError.is(error)) throw error
      problems.push(error)
    }
  }
  if (problems.length === 0) problems.push(...fileProblems(source, instructions))
  const [first, ...others] = problems
  if (first === undefined) return { file, text, instructions }
  throw others.length === 0 ? first : buildErrors.KUBEFILE_PROBLEMS({ file, count: problems.length }, { problems })
}

function readInstruction(line: LogicalLine): Instruction {
  const keyword = /^\S+/.exec(line.text)?.[0] ?? ''
  const name = keyword.toUpperCase()
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined
  if (name === 'RUN') {
    throw problemAt(
      line.source,
      line.at(0),
      'RUN is not supported yet.',
      'Make the files before the build and COPY them, or run the command when the cluster is launched: CMDS, or an APP of shell scripts.',
    )
  }
  if (read === undefined) throw unknown(line, keyword, name)
  const [heredoc] = line.heredocs
  if (heredoc !== undefined) {
    throw problemAt(
      line.source,
      heredoc.at,
      'Texts inside the Kubefile (<<) are not supported yet.',
      'Write the text to a file of the context and COPY it.',
    )
  }
  return read({ line, keyword: name, start: keyword.length })
}

function unknown(line: LogicalLine, keyword: string, name: string): SealerError {
  const known = Object.keys(readers)
  const instead = Object.hasOwn(foreign, name) ? foreign[name] : undefined
  const similar = nearest(name, known)
  return problemAt(
    line.source,
    line.at(0),
    instead === undefined ? `There is no instruction ${keyword}.` : `${name} is not an instruction of a Kubefile.`,
    instead ?? (similar === undefined ? `The instructions are ${known.join(', ')}.` : `Did you mean ${similar}?`),
  )
}

function readFrom(reading: Reading): Instruction {
  const { flags, words } = readFlags(reading, ['platform'])
  const [image, as, ...more] = words
  if (image === undefined)
    throw refuse(
      reading,
      reading.start,
      'FROM needs an image.',
      'Write FROM scratch, or FROM and the name of a base image.',
    )
  if (as !== undefined || more.length > 0) {
    throw problemAt(
      reading.line.source,
      as?.at ?? image.at,
      'FROM takes one image and nothing behind it.',
      'Stages (FROM … AS name) are not supported yet.',
    )
  }
  return { kind: 'FROM', at: reading.line.at(0), image, ...flags }
}

function readCopy(reading: Reading, known: readonly string[]) {
  const { flags, words } = readFlags(reading, known)
  const target = words.at(-1)
  if (target === undefined || words.length < 2) {
    throw refuse(
      reading,
      reading.start,
      `${reading.keyword} needs a source and a target.`,
      `Write ${reading.keyword} SOURCE… TARGET, e.g. ${reading.keyword} manifests manifests/.`,
    )
  }
  return { flags, sources: words.slice(0, -1), target }
}

/** Flags first, then words or a JSON array of strings. */
function readFlags(reading: Reading, known: readonly string[]): { flags: Record<string, Word>; words: Word[] } {
  const flags: Record<string, Word> = {}
  let start = reading.start
  for (;;) {
    const [blank, flag, name] = /^[ \t]+(--([A-Za-z-]*)\S*)/.exec(reading.line.text.slice(start)) ?? []
    if (blank === undefined || flag === undefined || name === undefined) break
    const at = start + blank.length - flag.length
    const [word] = wordsOf(reading.line, at)
    const value = word === undefined ? undefined : splitPair(word)?.value
    if (name === 'from' && reading.keyword === 'COPY') {
      throw refuse(reading, at, 'COPY --from is not supported yet.', 'Put the files into the build context.')
    }
    if (!known.includes(name)) {
      throw refuse(
        reading,
        at,
        `${reading.keyword} has no flag --${name}.`,
        `It knows ${known.map((one) => `--${one}=…`).join(', ')}.`,
      )
    }
    if (word === undefined || value === undefined)
      throw refuse(reading, at, `--${name} needs a value.`, `Write --${name}=VALUE.`)
    flags[name] = value
    start = at + word.raw.length
  }
  return { flags, words: wordsOrJson(reading, start) }
}

function wordsOrJson(reading: Reading, start: number): Word[] {
  return (
    jsonOf(reading, start)?.map(({ text, offset }) => jsonWord(reading.line, text, offset)) ??
    wordsOf(reading.line, start)
  )
}

/** A JSON array of strings with where each begins; undefined when the text does not look like one. */
function jsonOf(reading: Reading, start: number): { text: string; offset: number }[] | undefined {
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
  const offsets = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map((match) => start + match.index + 1)
  return value.map((one: string, index) => ({ text: one, offset: offsets[index] ?? start + opening }))
}

function readArg(reading: Reading): Instruction {
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

/** `NAME=VALUE…`, or the old form `NAME VALUE` where everything behind the name is the value. */
function readPairs(reading: Reading): Pair[] {
  const [first] = wordsOf(reading.line, reading.start)
  if (first === undefined)
    throw refuse(
      reading,
      reading.start,
      `${reading.keyword} needs a name and a value.`,
      `Write ${reading.keyword} NAME=VALUE.`,
    )
  if (splitPair(first) === undefined) {
    const behind = reading.line.text.indexOf(first.raw, reading.start) + first.raw.length
    const value = restAsWord(reading.line, behind)
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

function pairsOf(reading: Reading, words: readonly Word[]): Pair[] {
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

function readText(reading: Reading, what: string): Word {
  const word = restAsWord(reading.line, reading.start)
  if (word.raw === '')
    throw refuse(reading, reading.start, `${reading.keyword} needs ${what}.`, `Write it behind ${reading.keyword}.`)
  return word
}

function readApp(reading: Reading, kind: App['kind']): Instruction {
  const [name, ...sources] = wordsOrJson(reading, reading.start)
  if (name === undefined || sources.length === 0) {
    throw refuse(
      reading,
      reading.start,
      `${kind} needs a name and at least one source.`,
      `Write ${kind} NAME local://PATH…, with paths in the build context, or https:// addresses.`,
    )
  }
  return { kind, at: reading.line.at(0), name, sources }
}

function readAppEnv(reading: Reading): Instruction {
  const [app, ...words] = wordsOf(reading.line, reading.start)
  if (app === undefined || words.length === 0) {
    throw refuse(
      reading,
      reading.start,
      'APPENV needs an app and at least one NAME=VALUE.',
      'Write APPENV APP NAME=VALUE.',
    )
  }
  return { kind: 'APPENV', at: reading.line.at(0), app, pairs: pairsOf(reading, words) }
}

function readAppCmds(reading: Reading): Instruction {
  const usage = 'Write APPCMDS APP ["COMMAND", "ARGUMENT", …].'
  const name = /^\s+([^\s[]+)/.exec(reading.line.text.slice(reading.start))
  if (name === null) throw refuse(reading, reading.start, 'APPCMDS needs an app and a JSON array.', usage)
  const start = reading.start + name[0].length
  const [app] = wordsOf({ ...reading.line, text: reading.line.text.slice(0, start) }, reading.start)
  const cmds = jsonOf(reading, start)
  if (app === undefined || cmds === undefined || cmds.length === 0) {
    throw refuse(reading, start, 'What APPCMDS runs must be a JSON array of strings that is not empty.', usage)
  }
  return { kind: 'APPCMDS', at: reading.line.at(0), app, cmds: cmds.map(({ text }) => text) }
}

/** Nothing behind the instruction is an empty list: nothing is launched. */
function readList(reading: Reading): Word[] {
  return wordsOrJson(reading, reading.start)
}

function readCmds(reading: Reading): Instruction {
  const cmds = jsonOf(reading, reading.start)
  if (cmds === undefined) {
    throw refuse(
      reading,
      reading.start,
      'CMDS takes a JSON array of whole commands.',
      'Write CMDS ["helm list -A", "kubectl get ns"].',
    )
  }
  return { kind: 'CMDS', at: reading.line.at(0), cmds: cmds.map(({ text }) => text) }
}

function readCmd(reading: Reading): Instruction {
  const cmd = reading.line.text.slice(reading.start).trim()
  if (cmd === '') throw refuse(reading, reading.start, 'CMD needs a command.', 'Write CMD kubectl apply -f manifests.')
  if (cmd.startsWith('['))
    throw refuse(
      reading,
      reading.start,
      'CMD takes one command as it is typed, not a JSON array.',
      'For several commands write CMDS ["…", "…"].',
    )
  return { kind: 'CMD', at: reading.line.at(0), cmd }
}

/** A problem at an offset of the line, or at the instruction when nothing stands there. */
function refuse(reading: Reading, offset: number, reason: string, remedy: string): SealerError {
  const text = reading.line.text.slice(offset)
  const at = text.trim() === '' ? 0 : offset + text.length - text.trimStart().length
  return problemAt(reading.line.source, reading.line.at(at), reason, remedy)
}
