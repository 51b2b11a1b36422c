import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linesOf, member, YamlProblem, yamlDocuments } from './yaml-documents.ts'

const test = suite('YAML documents')
const value = (text: string) => Object.values(yamlDocuments(`v: ${text}`)[0]?.value ?? {})[0]

// As `kubectl label --local -f FILE a=b -o json` prints them.
const readings: [written: string, read: unknown][] = [
  ['0644', 420],
  ['0o644', 420],
  ['1_000', 1000],
  ['22:22', '22:22'],
  ['12:30:45', '12:30:45'],
  ['190:20:30.15', '190:20:30.15'],
  ['2001-12-14', '2001-12-14'],
  ['yes', true],
  ['off', false],
  ['1e3', 1000],
  ['"0644"', '0644'],
  ['~', null],
]
for (const [written, read] of readings) {
  test(`${written} is ${JSON.stringify(read)}`, () => assert.is(value(written), read))
}

test('a value knows its line, in every document', () => {
  const text = '---\n# none\n---\na:\n  - b: 1\n    image: x\n---\nimage: y\n'
  const documents = yamlDocuments(text)
  const [, first, second] = documents.length === 3 ? documents : [undefined, ...documents]
  const place = member(member(member(first?.place ?? { offset: 0, members: new Map() }, 'a'), '0'), 'image')
  assert.is(linesOf(text)(place.offset), 6)
  assert.is(linesOf(text)(second?.place.members.get('image')?.offset ?? 0), 8)
})

test('what came through << has the line of where it is used', () => {
  const text = 'base: &b\n  image: x\nuse:\n  <<: *b\n'
  const [{ place } = { place: { offset: 0, members: new Map() } }] = yamlDocuments(text)
  assert.is(linesOf(text)(member(member(place, 'use'), 'image').offset), 4)
})

test('a repeated key is the last one, as for kubectl', () => {
  assert.equal(yamlDocuments('a: 1\na: 2')[0]?.value, { a: 2 })
})

test('text that is no YAML is refused with its line', () => {
  try {
    yamlDocuments('a: 1\nb: [\n')
    assert.unreachable()
  } catch (error) {
    assert.ok(error instanceof YamlProblem && error.line >= 2)
  }
})

test('a small text cannot become huge', () => {
  const aliases = Array.from({ length: 2000 }, () => '*a').join(', ')
  assert.throws(() => yamlDocuments(`a: &a [1]\nb: [${aliases}]`), /alias/)
})

test.run()
