import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hooksPage } from './hooks-page.ts'

const test = suite('the page of hooks')
const source = (body: string): string => `function declareHooks() {\n  return {\n install: {\n${body}\n } }\n}`

test('a hook is shown with its kind, what it receives and what it answers', () => {
  const page = hooksPage(
    source(
      "/** First answer wins: yours or not. */ runtime: new AsyncSeriesBailHook<[wanted: Wanted], Runtime | undefined>(['wanted'])",
    ),
  )
  assert.match(page, '## install.runtime\n\nFirst answer wins: yours or not.')
  assert.match(page, '| Receives | `wanted: Wanted` |')
  assert.match(page, '| Answers | `Runtime \\| undefined` |')
})

test('a hook without a comment is refused', () => {
  assert.throws(() => hooksPage(source('ready: new AsyncSeriesHook<[a: A]>()')), /install.ready has no comment/)
})

test.run()
