import type { SealerError } from '../errors.ts'
import { problemAt } from './errors.ts'
import type { Heredoc } from './heredocs.ts'
import type { Add, Copy, InlineFile, Instruction, Run } from './instructions.ts'
import { jsonOf, type Reading, readFlags, refuse } from './reading.ts'
import { foundWords, heredocAsWord, literal, textAsWord, type Word, wordsOf } from './words.ts'

/** FROM. @throws KUBEFILE_INVALID */
export function readFrom(reading: Reading): Instruction {
  const { flags, end } = readFlags(reading, ['platform'])
  const [image, more] = wordsOf(reading.line, end)
  if (image === undefined)
    throw refuse(
      reading,
      reading.start,
      'FROM needs an image.',
      'Write FROM scratch, or FROM and the name of a base image.',
    )
  if (more !== undefined) {
    throw problemAt(
      reading.line.source,
      more.at,
      'FROM takes one image and nothing behind it.',
      'A Kubefile has one stage, which needs no name; files of other images come with COPY --from=IMAGE.',
    )
  }
  return { kind: 'FROM', at: reading.line.at(0), image, ...flags }
}

/** COPY. @throws KUBEFILE_INVALID */
export function readCopy(reading: Reading): Copy {
  const { flags, end } = readFlags(reading, ['from', 'chown', 'chmod'])
  const copy: Copy = { kind: 'COPY', at: reading.line.at(0), ...readFiles(reading, end), ...flags }
  if (copy.from !== undefined) refuseStages(reading, copy, copy.from)
  return copy
}

/** ADD. @throws KUBEFILE_INVALID */
export function readAdd(reading: Reading): Add {
  const { flags, end } = readFlags(reading, ['chown', 'chmod', 'checksum'])
  return { kind: 'ADD', at: reading.line.at(0), ...readFiles(reading, end), ...flags }
}

/** Sources and target: words with texts among them, or a JSON array. */
function readFiles(reading: Reading, start: number): Pick<Copy, 'sources' | 'texts' | 'target'> {
  const { line, keyword } = reading
  const texts: InlineFile[] = []
  const words: Word[] = []
  const json = jsonOf(reading, start)
  if (json !== undefined) words.push(...json.map(textAsWord))
  else {
    for (const found of foundWords(line, start)) {
      const heredoc = heredocAt(reading, found.start)
      if (heredoc === undefined) words.push(found.word)
      else texts.push({ name: heredoc.name, at: heredoc.at, content: heredocAsWord(heredoc) })
    }
  }
  const target = words.at(-1)
  if (target === undefined || words.length + texts.length < 2) {
    throw refuse(
      reading,
      reading.start,
      `${keyword} needs a source and a target.`,
      `Write ${keyword} SOURCE… TARGET, e.g. ${keyword} manifests manifests/.`,
    )
  }
  return { sources: words.slice(0, -1), texts, target }
}

function heredocAt({ line }: Reading, start: number): Heredoc | undefined {
  return line.heredocs.find((one) => one.start === start)
}

/** A number names a stage, and an image has no texts. */
function refuseStages(reading: Reading, { texts }: Copy, from: Word): void {
  const [text] = texts
  if (/^\d+$/.test(literal(from) ?? '')) {
    throw problemAt(
      reading.line.source,
      from.at,
      'A Kubefile has one stage, so no number names one.',
      'Write COPY --from=IMAGE with the name of an image, or leave --from out.',
    )
  }
  if (text === undefined) return
  throw problemAt(
    reading.line.source,
    text.at,
    'With --from all sources are files of that image.',
    'Write a COPY of its own for the text.',
  )
}

/** RUN. @throws KUBEFILE_INVALID */
export function readRun(reading: Reading): Run {
  const { flags, end } = readFlags(reading, ['network'])
  return { kind: 'RUN', at: reading.line.at(0), command: readCommand(reading, end), network: networkOf(reading, flags) }
}

function readCommand(reading: Reading, start: number): Run['command'] {
  const text = reading.line.text.slice(start).trim()
  if (text === '')
    throw refuse(reading, start, 'RUN needs a command.', 'Write RUN COMMAND, or RUN ["PROGRAM", "ARGUMENT"].')
  const argv = isShellTest(text) ? undefined : jsonOf(reading, start)
  if (argv === undefined) return withHeredocs(text, reading.line.heredocs)
  if (argv.length === 0 || argv[0]?.text === '')
    throw refuse(reading, start, 'RUN needs a program.', 'Write it first: RUN ["PROGRAM", "ARGUMENT"].')
  return { argv: argv.map((one) => one.text) }
}

/** `[ "$A" = b ] && …` is a command of the shell, not a broken array. */
function isShellTest(text: string): boolean {
  if (!/^\[\s/.test(text)) return false
  try {
    return !Array.isArray(JSON.parse(text))
  } catch {
    return true
  }
}

/** A text alone is the script; otherwise the shell reads the texts itself. */
function withHeredocs(text: string, heredocs: readonly Heredoc[]): Run['command'] {
  const [only, ...others] = heredocs
  const alone = only !== undefined && others.length === 0 && only.end - only.start === text.length
  if (alone && only.body.text.startsWith('#!')) return { script: only.body.text }
  if (alone) return { shell: only.body.text }
  return { shell: [text, ...heredocs.map(({ name, body }) => `${body.text}${name}`)].join('\n') }
}

function networkOf(reading: Reading, { network }: Record<string, Word>): Run['network'] {
  if (network === undefined) return 'default'
  const value = literal(network)
  if (value === 'default' || value === 'none') return value
  throw networkProblem(reading, network, value)
}

function networkProblem({ line }: Reading, word: Word, value: string | undefined): SealerError {
  const remedy = 'Write --network=none for a command without network, or leave the flag out.'
  if (value !== 'host') return problemAt(line.source, word.at, 'The network is default or none.', remedy)
  return problemAt(line.source, word.at, "A command of a build does not get the build machine's own network.", remedy)
}
