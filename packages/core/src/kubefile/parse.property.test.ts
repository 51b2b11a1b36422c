import { DockerfileParser } from 'dockerfile-ast'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { parseKubefile } from './parse.ts'

const test = suite('parse any Kubefile')

const word = fc.stringMatching(/^[a-z][a-z0-9./_-]{0,8}$/)
const blank = fc.constantFrom(' ', '  ', '\t', ' \\\n', ' \\ \n  ', ' \\\n# note\n ')
const copy = fc
  .tuple(fc.constantFrom('COPY', 'copy', 'ADD'), fc.array(fc.tuple(blank, word), { minLength: 2, maxLength: 4 }))
  .map(([keyword, words]) => keyword + words.map(([space, text]) => space + text).join(''))
const comment = fc.constantFrom('# a comment', '', '   # indented', '   ')
const kubefile = fc
  .array(fc.oneof(copy, comment), { maxLength: 8 })
  .map((lines) => ['FROM scratch', ...lines].join('\n'))

test('instructions, words and places are those of a Dockerfile', () => {
  fc.assert(
    fc.property(kubefile, (text) => {
      const theirs = DockerfileParser.parse(text)
        .getInstructions()
        .map((one) => ({
          keyword: one.getKeyword(),
          line: one.getRange().start.line + 1,
          words: one.getArguments().map((argument) => argument.getValue()),
        }))
      const ours = parseKubefile(text).instructions.map((one) => ({
        keyword: one.kind,
        line: one.at.line,
        words:
          one.kind === 'COPY' || one.kind === 'ADD' ? [...one.sources, one.target].map(({ raw }) => raw) : ['scratch'],
      }))
      assert.equal(ours, theirs)
    }),
    { numRuns: 200 },
  )
})

test('any text is read or refused with a place in it, never worse', () => {
  const piece = fc.constantFrom(
    'FROM scratch',
    'COPY',
    'ENV',
    'APP',
    'LAUNCH',
    '"',
    "'",
    '$',
    '${',
    '}',
    '[',
    '"a"',
    ']',
    '\\',
    '\n',
    ' ',
    '=',
    '#',
    '<<E',
    'a',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('')
      try {
        parseKubefile(text)
      } catch (error) {
        assert.ok(SealerError.is(error), String(error))
        const lines = text.split('\n').length
        for (const problem of error.problems.length > 0 ? error.problems : [error]) {
          const [, line] = /^Kubefile:(\d+):\d+: /.exec(problem.message) ?? []
          assert.ok(Number(line) >= 1 && Number(line) <= lines, problem.message)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test.run()
