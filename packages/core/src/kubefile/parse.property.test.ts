import { execFileSync } from 'node:child_process'
import { Copy, DockerfileParser, PropertyInstruction, Run, type Instruction as Theirs } from 'dockerfile-ast'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { expand } from './expand.ts'
import type { Instruction } from './instructions.ts'
import { parseKubefile } from './parse.ts'
import type { Word } from './words.ts'

const test = suite('parse any Kubefile')

const word = fc.stringMatching(/^[a-z][a-z0-9./_-]{0,8}$/)
const blank = fc.constantFrom(' ', '  ', '\t', ' \\\n', ' \\ \n  ', ' \\\n# note\n ')
const words = (minLength: number) =>
  fc
    .array(fc.tuple(blank, word), { minLength, maxLength: 4 })
    .map((some) => some.map(([space, text]) => space + text).join(''))
const comment = fc.constantFrom('# a comment', '', '   # indented', '   ')
const file = (instruction: fc.Arbitrary<string>) =>
  fc
    .array(fc.oneof({ weight: 3, arbitrary: instruction }, comment), { maxLength: 8 })
    .map((lines) => ['FROM scratch', ...lines].join('\n'))

/** Reads the same text with both parsers and compares what `theirs` and `ours` make of each instruction. */
function agree<T>(
  instruction: fc.Arbitrary<string>,
  theirs: (one: Theirs) => T | undefined,
  ours: (one: Instruction) => T | undefined,
): void {
  const property = fc.property(file(instruction), (text) => {
    const place = (one: Theirs) => [one.getKeyword(), one.getRange().start.line + 1, one.getRange().start.character + 1]
    assert.equal(
      parseKubefile(text).instructions.map((one) => [one.kind, one.at.line, one.at.column, ours(one)]),
      DockerfileParser.parse(text)
        .getInstructions()
        .map((one) => [...place(one), theirs(one)]),
      text,
    )
  })
  fc.assert(property, { numRuns: 200 })
}

const plain = (one: Word): string => expand(one, () => undefined, { file: 'Kubefile', text: '' })

test('words and places are those of a Dockerfile', () => {
  agree(
    fc.tuple(fc.constantFrom('COPY', 'copy', 'ADD'), words(2)).map((parts) => parts.join('')),
    (one) => (one.getKeyword() === 'FROM' ? undefined : one.getArguments().map((argument) => argument.getValue())),
    (one) =>
      one.kind === 'COPY' || one.kind === 'ADD' ? [...one.sources, one.target].map(({ raw }) => raw) : undefined,
  )
})

test('flags and their places are those of a Dockerfile', () => {
  const flag = fc.tuple(fc.constantFrom('from', 'chown', 'chmod'), word)
  const flags = fc.uniqueArray(flag, { maxLength: 3, selector: ([name]) => name })
  agree(
    fc.tuple(flags, words(2)).map(([some, rest]) => `COPY${some.map((one) => ` --${one.join('=')}`).join('')}${rest}`),
    (one) =>
      one instanceof Copy
        ? one
            .getFlags()
            .map((each) => [each.getName(), each.getValue(), each.getRange().start.character + 1])
            .sort()
        : undefined,
    (one) =>
      one.kind === 'COPY'
        ? (['chmod', 'chown', 'from'] as const).flatMap((name) => {
            const value = one[name]
            return value === undefined ? [] : [[name, plain(value), value.at.column]]
          })
        : undefined,
  )
})

test('pairs, quotes and escapes are those of a Dockerfile', () => {
  // Several quoted pieces in a row, and escaped quotes outside of quotes, are left to the shell below: the other parser reads them wrongly.
  const value = fc.oneof(
    fc.stringMatching(/^(([a-z=]|\\ ){0,5}[a-z])?$/),
    fc.stringMatching(/^"([a-z =#']|\\"){0,6}"$/),
    fc.stringMatching(/^'[a-z ="]{0,6}'$/),
  )
  const pair = fc
    .tuple(blank, fc.stringMatching(/^[A-Z][A-Z_]{0,5}$/), value)
    .map(([space, name, text]) => `${space}${name}=${text}`)
  agree(
    fc
      .tuple(fc.constantFrom('ENV', 'LABEL'), fc.array(pair, { minLength: 1, maxLength: 3 }))
      .map(([keyword, pairs]) => keyword + pairs.join('')),
    (one) =>
      one instanceof PropertyInstruction && one.getKeyword() !== 'ARG'
        ? one.getProperties().map((each) => [each.getName(), each.getValue() ?? '', each.getNameRange().start.line + 1])
        : undefined,
    (one) =>
      one.kind === 'ENV' || one.kind === 'LABEL'
        ? one.pairs.map(({ name, value: text }) => [plain(name), plain(text), name.at.line])
        : undefined,
  )
})

test('texts below an instruction are those of a Dockerfile', () => {
  const body = fc.array(fc.constantFrom('text', '', '# no comment', 'FROM x', 'ends \\', ' A'), { maxLength: 4 })
  const text = fc.tuple(fc.constantFrom('A', 'B.c'), fc.constantFrom('', '-'), fc.constantFrom('', '"'), body)
  const instruction = fc
    .tuple(fc.constantFrom('COPY', 'RUN'), fc.array(text, { minLength: 1, maxLength: 2 }))
    .map(([keyword, texts]) => {
      const names = texts.map(([name, dash, quote]) => `<<${dash}${quote}${name}${quote}`)
      const bodies = texts.map(([name, , , lines]) => [...lines, name])
      return [`${keyword} cat ${names.join(' ')} x`, ...bodies.flat()].join('\n')
    })
  agree(
    instruction,
    (one) => (one instanceof Copy || one instanceof Run ? one.getHeredocs().map((each) => each.getName()) : undefined),
    (one) => {
      if (one.kind === 'COPY') return one.texts.map(({ name }) => name)
      if (one.kind !== 'RUN' || !('shell' in one.command)) return undefined
      return [...(one.command.shell.split('\n')[0] ?? '').matchAll(/<<-?"?([\w.]+)/g)].map((match) => match[1])
    },
  )
})

test('words are those of the shell', () => {
  const piece = fc.oneof(
    word,
    fc.constantFrom('\\ ', '\\"', "\\'", '\\\\', '\\$', '""', "''", ' ', '\t', '  '),
    fc.stringMatching(/^"([a-z ']|\\"|\\\\|\\\$|\\n){0,6}"$/),
    fc.stringMatching(/^'[a-z "\\$]{0,6}'$/),
  )
  const property = fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
    const text = `a ${pieces.join('')} z`
    const [, copy] = parseKubefile(`FROM scratch\nCOPY ${text}`).instructions
    assert.ok(copy?.kind === 'COPY')
    const shell = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' })
    assert.equal([...copy.sources, copy.target].map(plain), shell.split('\0').slice(0, -1), text)
  })
  fc.assert(property, { numRuns: 100 })
})

test('a text below an instruction is what the shell makes of it', () => {
  const line = fc.array(
    fc.constantFrom('a', ' ', '$V-', '${V}', '${NONE:-x}', '${V:+y}', '\\$', '\\\\', '\\n', '"', "'", '}'),
    { maxLength: 6 },
  )
  const property = fc.property(fc.array(line, { maxLength: 4 }), fc.boolean(), (lines, quoted) => {
    const text = `<<${quoted ? "'END'" : 'END'} x\n${lines.map((parts) => `${parts.join('')}.\n`).join('')}END\n`
    const [, copy] = parseKubefile(`FROM scratch\nCOPY ${text}`).instructions
    assert.ok(copy?.kind === 'COPY')
    const [content] = copy.texts.map(({ content: one }) =>
      expand(one, (name) => (name === 'V' ? 'value' : undefined), { file: 'Kubefile', text }),
    )
    assert.is(
      content,
      execFileSync('/bin/sh', ['-c', `cat ${text.replace(' x', '')}`], { encoding: 'utf8', env: { V: 'value' } }),
    )
  })
  fc.assert(property, { numRuns: 100 })
})

test('operations on variables are those of the shell', () => {
  const values = { V: 'aab/ab*a.b', EMPTY: '' }
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '/', '.', '*', '?', '\\*', "'*'", '"b?"', '${V}', '${EMPTY}'), { maxLength: 4 })
    .map((pieces) => pieces.join(''))
  const operator = fc.constantFrom(':-', '-', ':+', '+', '#', '##', '%', '%%')
  const property = fc.property(fc.constantFrom('V', 'EMPTY'), operator, pattern, (name, operation, argument) => {
    const text = `x$\{${name}${operation}${argument}}`
    const [, copy] = parseKubefile(`FROM scratch\nCOPY ${text} z`).instructions
    assert.ok(copy?.kind === 'COPY')
    const [ours] = copy.sources.map((one) =>
      expand(one, (variable) => values[variable as keyof typeof values], { file: 'Kubefile', text }),
    )
    const shell = `set -f; IFS=; printf %s ${text}`
    assert.is(ours, execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8', env: values }), text)
  })
  fc.assert(property, { numRuns: 150 })
})

/** Every problem has its place in the text. */
function readOrRefused(text: string): void {
  try {
    parseKubefile(text)
  } catch (error) {
    assert.ok(SealerError.is(error), String(error))
    const lines = text.split('\n')
    for (const problem of error.problems.length > 0 ? error.problems : [error]) {
      const [, line, column] = /^Kubefile:(\d+):(\d+): /.exec(problem.message) ?? []
      const shown = lines[Number(line) - 1]
      assert.ok(shown !== undefined && Number(column) >= 1 && Number(column) <= shown.length + 1, problem.message)
    }
  }
}

test('any text is read or refused with a place in it, never worse', () => {
  const piece = fc.constantFrom(
    ...[
      'FROM scratch',
      'COPY ',
      'ADD ',
      'RUN ',
      'ENV ',
      'ARG ',
      'APP ',
      'APPENV ',
      'APPCMDS ',
      'LAUNCH ',
      'CMDS ',
      'CMD ',
    ],
    ...[
      'LABEL ',
      'KUBEVERSION ',
      '--from=',
      '--chmod=',
      '--network=none ',
      '"',
      "'",
      '$',
      '${',
      ':-',
      '}',
      '[',
      '"a"',
      ',',
      ']',
    ],
    ...[
      '\\',
      '\\u0041',
      '`',
      '\n',
      '\n',
      '\r\n',
      '\t',
      ' ',
      '=',
      '#',
      '# escape=`',
      '<<E',
      '<<-"E" ',
      'E',
      'a',
      'é',
      '\uFEFF',
      '\0',
      '😀',
    ],
  )
  const unicode = fc.string({ unit: 'binary', maxLength: 40 })
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: piece }, unicode), { maxLength: 30 }).map((pieces) => pieces.join('')),
      readOrRefused,
    ),
    { numRuns: 1000 },
  )
})

const long = 50_000
const heavy: [what: string, text: string][] = [
  ['a run of blanks', `COPY a${' '.repeat(long)}b \\`],
  ['backslashes', `COPY ${'\\'.repeat(long)}`],
  ['open braces', `COPY ${'${A:-'.repeat(long)}`],
  ['closed braces', `COPY ${'${A:-'.repeat(long)}${'}'.repeat(long)} b`],
  ['quotes', `COPY ${'"\''.repeat(long)} b`],
  ['dollars', `COPY ${'$A'.repeat(long)} b`],
  ['open brackets', `COPY ${'['.repeat(long)} b`],
  ['JSON', `COPY ["${'\\u0041'.repeat(long)}", "b"]`],
  ['a JSON array', `CMDS [${'"a",'.repeat(long)}"b"]`],
  ['flags', `COPY${' --chmod=1'.repeat(long)}`],
  ['pairs', `ENV${' A=1'.repeat(long)}`],
  ['continued lines', `RUN a${' \\\n'.repeat(long)}b`],
  ['texts without an end', `RUN ${'<<E '.repeat(long)}`],
  ['texts', `RUN ${'<<E '.repeat(long)}\n${'E\n'.repeat(long)}`],
  ['problems', 'X\n'.repeat(long)],
  ['instructions', 'LABEL a=b\n'.repeat(long)],
]
for (const [what, text] of heavy) {
  test(`${what} in any number do not hang`, () => readOrRefused(`FROM scratch\n${text}`))
}

test.run()
