import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logicalLines } from './lines.ts'

const test = suite('lines of a Kubefile')
const lines = (text: string) => logicalLines({ file: 'Kubefile', text })
const texts = (text: string) => lines(text).map((line) => line.text)

test('comments and blank lines are no instructions', () => {
  assert.equal(texts('# one\n\n   # two\nFROM scratch\n'), ['FROM scratch'])
})

test('a line goes on over comments and blank lines, with blanks behind the backslash', () => {
  assert.equal(texts('APP web \\ \t\n# note\n\n  local://a \\\n local://b'), ['APP web   local://a  local://b'])
})

test('a backslash that is escaped ends the line', () => {
  assert.equal(texts('CMD a\\\\\nCMD b'), ['CMD a\\\\', 'CMD b'])
})

test('CRLF and a byte order mark are no content', () => {
  assert.equal(texts('\uFEFFFROM scratch\r\nCMD a \\\r\n  b\r\n'), ['FROM scratch', 'CMD a   b'])
})

test('the directive escape counts before anything else', () => {
  assert.equal(texts('# escape=`\nCMD a `\n b'), ['CMD a  b'])
  assert.equal(texts('# a comment\n# escape=`\nCMD a `'), ['CMD a `'])
  assert.throws(() => lines('# escape=x\nFROM scratch'), /Kubefile:1:1: The escape character/)
})

test('a place in a continued line is where it stands in the file', () => {
  const [line] = lines('  APP web \\\n    local://a')
  const offset = line?.text.indexOf('local') ?? 0
  assert.equal(line?.at(0), { file: 'Kubefile', line: 1, column: 3 })
  assert.equal(line?.at(offset), { file: 'Kubefile', line: 2, column: 5 })
})

test('texts below an instruction belong to it', () => {
  const [copy, run, last] = lines('COPY <<A <<-"B" etc/\none\nA\n\ttwo\n\tB\nRUN <<E\necho\nE\nCMD c')
  assert.equal(
    copy?.heredocs.map(({ name, quoted, body }) => [name, quoted, body.text, body.at(0).column]),
    [
      ['A', false, 'one\n', 1],
      ['B', true, 'two\n', 2],
    ],
  )
  assert.is(run?.heredocs[0]?.body.text, 'echo\n')
  assert.is(last?.text, 'CMD c')
})

test('a text that never ends is refused at its beginning', () => {
  assert.throws(() => lines('FROM scratch\nCOPY <<EOT etc/x\nhi'), /Kubefile:2:6: The text <<EOT never ends/)
})

test.run()
