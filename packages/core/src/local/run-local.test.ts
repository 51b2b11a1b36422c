import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { runLocal } from './run-local.ts'

const test = suite('run-local')

test('a program gets its arguments without a shell, and its input', async () => {
  assert.is(await runLocal('sh', ['-c', 'echo "$1"; cat', 'sh', '$HOME'], { input: 'in' }), '$HOME\nin')
})

test('a failure tells the end of standard error and no arguments', async () => {
  const { message } = await rejection(runLocal('sh', ['-c', 'echo why >&2; exit 3', 'sh', 'secret']))
  assert.is(message, 'sh exited with 3: why')
})

test('a program that is not there is named', async () => {
  assert.match((await rejection(runLocal('no-such-program', []))).message, /no no-such-program/)
})

test('an abort ends it together with what it has left in the background', async () => {
  const stop = new AbortController()
  const began = Date.now()
  setTimeout(() => stop.abort(new Error('enough')), 100)
  const error = await rejection(runLocal('sh', ['-c', 'sleep 30 & sleep 30'], { signal: stop.signal }))
  assert.is(error.message, 'enough')
  assert.ok(Date.now() - began < 10_000)
})

test.run()
