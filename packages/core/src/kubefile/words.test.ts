import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { expand } from './expand.ts'
import { type LogicalLine, logicalLines } from './lines.ts'
import { restAsWord, splitPair, wordsOf } from './words.ts'

const test = suite('words of a Kubefile')
const values: Record<string, string> = { A: 'one', EMPTY: '', ARCH: 'arm64' }
const line = (text: string): LogicalLine => logicalLines({ file: 'Kubefile', text: `LABEL ${text}` })[0] as LogicalLine
const words = (text: string) =>
  wordsOf(line(text), 6).map((word) => expand(word, (name) => values[name], line(text).source))

const table: [written: string, read: string[]][] = [
  ['a  b\tc', ['a', 'b', 'c']],
  ['"two words" and\\ one', ['two words', 'and one']],
  [`'$A "x"'`, ['$A "x"']],
  ['pre"in"post', ['preinpost']],
  ['""', ['']],
  ['"a\\"b\\\\c\\$A\\n"', ['a"b\\c$A\\n']],
  ['$A/${ARCH}/x', ['one/arm64/x']],
  ['${NONE:-other} ${EMPTY:-"two words"} ${A:-x}', ['other', 'two words', 'one']],
  ['${NONE:+x}. ${A:+set}', ['.', 'set']],
  ['${NONE:-${A}}', ['one']],
  ['\\$A $ 5$', ['$A', '$', '5$']],
]
for (const [written, read] of table) {
  test(`${written} is ${JSON.stringify(read)}`, () => {
    assert.equal(words(written), read)
  })
}

test('a variable that nobody has declared is refused where it stands', () => {
  assert.throws(() => words('a $NONE'), /Kubefile:1:9: The variable NONE is not declared/)
})

test('a variable that must have a value says what is missing', () => {
  assert.equal(words('${A:?} ${EMPTY?}'), ['one', ''])
  assert.throws(() => words('a ${EMPTY:?give a name}'), /Kubefile:1:9: EMPTY: give a name/)
  assert.throws(() => words('${NONE?}'), /NONE: it has no value/)
})

test('an open quote and an open brace are refused', () => {
  assert.throws(() => words('a "b'), /Kubefile:1:9: The quote " is not closed/)
  assert.throws(() => words("'b"), /The quote ' is not closed/)
  assert.throws(() => words('${A'), /not a variable/)
  assert.throws(() => words('${A:-x'), /no closing brace/)
  assert.throws(() => words('${A/x/y}'), /not a variable/)
})

test('a pair is cut at the first = outside of quotes', () => {
  const [word] = wordsOf(line('"a=b"=c=d'), 6)
  const pair = word && splitPair(word)
  assert.is(pair && expand(pair.name, () => undefined, line('').source), 'a=b')
  assert.is(pair && expand(pair.value, () => undefined, line('').source), 'c=d')
})

test('the rest of a line keeps its blanks', () => {
  const text = line('plain   "text  here"')
  assert.is(
    expand(restAsWord(text, 6), () => undefined, text.source),
    'plain   text  here',
  )
})

test.run()
