import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { globPattern, isGlob } from './glob.ts'

const test = suite('patterns of paths')
const table: [pattern: string, matches: string[], others: string[]][] = [
  ['*.yaml', ['a.yaml', '.yaml'], ['a.yml', 'a/b.yaml', 'a.yaml\n']],
  ['a?c', ['abc', 'a.c', 'aéc'], ['ac', 'a/c']],
  ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
  ['[^a-c]x', ['dx'], ['ax']],
  ['[]a]', [], ['a']],
  ['[\\]a]', [']', 'a'], ['\\']],
  ['a.b+(c)$', ['a.b+(c)$'], ['aXb+(c)$']],
  ['\\*', ['*'], ['a']],
]
for (const [pattern, matches, others] of table) {
  test(pattern, () => {
    const compiled = globPattern(pattern)
    for (const name of matches) assert.ok(compiled?.test(name), name)
    for (const name of others) assert.not.ok(compiled?.test(name), name)
  })
}

test('a bracket that is not closed and a range that runs backwards are no patterns', () => {
  assert.is(globPattern('[a'), undefined)
  assert.is(globPattern('[z-a]'), undefined)
})

test('plain names are no patterns', () => {
  assert.equal(['a.b', 'a*', 'a?', 'a[b]'].map(isGlob), [false, true, true, true])
})

test.run()
