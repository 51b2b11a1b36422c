import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { IgnoreRules } from './ignore.ts'
import { draftOf, filesOf, temporaryContext } from './kubefiles.test.support.ts'

const test = suite('ignore file of a build context')
const ignored = (text: string, path: string) => new IgnoreRules({ file: '.kubeignore', text }).reason(path)

// What is left out, and what is not; the second half as moby's own tests of patternmatcher have it.
const table: [rules: string, out: string[], taken: string[]][] = [
  ['', [], ['a']],
  ['# *\n\n  \n.', [], ['a', '# *']],
  ['a', ['a', 'a/b', 'a/b/c'], ['ab', 'b/a']],
  ['/a/', ['a', 'a/b'], ['b/a']],
  ['*.log', ['x.log'], ['d/x.log']],
  ['**/*.log', ['x.log', 'd/x.log', 'd/e/x.log'], ['x.txt']],
  ['*\n!keep', ['a', 'keeper'], ['keep', 'keep/x']],
  ['*\n!d/keep\nd/keep/not', ['d/x', 'd/keep/not'], ['d/keep', 'd/keep/x']],
  ['!a\na', ['a'], []],
  ['\uFEFFa\r\nb\r', ['a', 'b'], []],
  ['**', ['file', 'dir/file'], []],
  ['**/', ['file', 'dir/file'], []],
  ['dir/**', ['dir/file', 'dir/dir2/file'], ['file']],
  ['**/dir2/*', ['dir/dir2/file', 'dir2/file', 'dir/dir2/dir2/file'], ['dir2']],
  ['a[b-d]e?/\\[x', ['ace1/[x'], ['aae1/[x', 'ace/[x']],
  ['a/../b/./c//d', ['b/c/d'], ['a']],
]
for (const [rules, out, taken] of table) {
  test(JSON.stringify(rules), () => {
    for (const path of out) assert.ok(ignored(rules, path), path)
    for (const path of taken) assert.is(ignored(rules, path), undefined, path)
  })
}

test('no folder is skipped that holds something which is taken', () => {
  const part = fc.constantFrom('a', 'b', '*', '**', 'a*', '?')
  const rule = fc
    .tuple(fc.constantFrom('', '!'), fc.array(part, { minLength: 1, maxLength: 3 }))
    .map(([keeps, parts]) => keeps + parts.join('/'))
  const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 2, maxLength: 4 })
  const property = fc.property(fc.array(rule, { maxLength: 5 }), path, (rules, names) => {
    const ignore = new IgnoreRules({ file: '.kubeignore', text: rules.join('\n') })
    if (ignore.reason(names.join('/')) !== undefined) return
    for (let depth = 1; depth < names.length; depth++) {
      const folder = names.slice(0, depth).join('/')
      assert.ok(ignore.reason(folder) === undefined || ignore.mayKeepBelow(folder), folder)
    }
  })
  fc.assert(property, { numRuns: 1000 })
})

test('the line that decides is named', () => {
  assert.is(ignored('a\nb\n\nb/c', 'b/c/d'), '.kubeignore:4')
})

test('a line that is no pattern is shown', () => {
  assert.throws(() => ignored('a\n  b[', 'a'), /^.kubeignore:2:3: This is not a pattern[\s\S]*2 \| {3}b\[/)
})

test('folders, patterns and names leave out what the file says', async () => {
  const rules = '**/*.log\nnode_modules\n!node_modules/x/keep.yaml'
  await using context = await temporaryContext(
    {
      'src/a.yaml': 'a',
      'src/a.log': 'a',
      'src/deep/only/b.log': 'b',
      'node_modules/x/keep.yaml': 'k',
      'node_modules/x/y.yaml': 'y',
      'z.log': 'z',
    },
    rules,
  )
  const files = async (copy: string) => filesOf(await draftOf(context, copy))[0]
  assert.equal(await files('COPY . all'), ['all/node_modules/x/keep.yaml', 'all/src/a.yaml'])
  assert.equal(await files('COPY src/* all'), ['all/a.yaml'])
  assert.equal(await files('COPY node_modules all/'), ['all/x/keep.yaml'])
  const error = await rejection(draftOf(context, 'COPY z.log x'))
  assert.match(error.message, /^Kubefile:2:6: z\.log is left out of the build context \(\.kubeignore:1\)/)
})

test.run()
