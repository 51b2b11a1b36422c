import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fillIncludes } from './includes.ts'

const test = suite('includes of documents')
const files: Record<string, string> = {
  'a.test.ts': "before()\n  // #region join\n  test('x', () => {\n    y()\n  })\n  // #endregion\nafter()\n",
  'app.yaml': 'kind: Pod\n',
  'up.sh': '# #region go\nsealer run x\n# #endregion\n',
}
const read = (path: string): string => {
  const text = files[path]
  if (text === undefined) throw new Error(`no file ${path}`)
  return text
}

test('a region fills its fence, without its indentation', () => {
  assert.is(
    fillIncludes('# T\n\n<!-- include: a.test.ts#join -->\n```ts\nold\n```\n\nend\n', read),
    "# T\n\n<!-- include: a.test.ts#join -->\n```ts\ntest('x', () => {\n  y()\n})\n```\n\nend\n",
  )
})

test('a fence that is still empty is filled, and a second time nothing changes', () => {
  const once = fillIncludes('<!-- include: up.sh#go -->\n```\n```\n', read)
  assert.is(once, '<!-- include: up.sh#go -->\n```sh\nsealer run x\n```\n')
  assert.is(fillIncludes(once, read), once)
})

test('without a region the whole file is shown', () => {
  assert.match(fillIncludes('<!-- include: app.yaml -->\n```\n```\n', read), '```yaml\nkind: Pod\n```')
})

test('a missing region, file or fence is refused', () => {
  assert.throws(() => fillIncludes('<!-- include: up.sh#gone -->\n```\n```\n', read), /no region "gone"/)
  assert.throws(() => fillIncludes('<!-- include: gone.sh -->\n```\n```\n', read), /no file gone.sh/)
  assert.throws(() => fillIncludes('<!-- include: up.sh#go -->\n\ntext\n', read), /without a code fence/)
})

test.run()
