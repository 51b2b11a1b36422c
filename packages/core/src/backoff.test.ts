import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backoff } from './backoff.ts'
import { fakeClock } from './testing/fake-clock.ts'
import { rejection } from './testing/rejection.ts'

const test = suite('backoff')

/** Work that fails so many times, then gives `done`. */
function failing(times: number) {
  let attempts = 0
  const work = async () => {
    attempts += 1
    if (attempts <= times) throw new Error(`attempt ${attempts}`)
    return 'done'
  }
  return { work, attempts: () => attempts }
}
const always = () => true

test('work that heals is repeated, with bounds that double', async () => {
  const clock = fakeClock()
  const { work } = failing(4)
  assert.is(await backoff(work, { clock, baseMs: 100, maxMs: 500, random: () => 0.5, retry: always }), 'done')
  assert.equal(clock.slept, [50, 100, 200, 250])
})

test('the last failure is thrown when the attempts are used up', async () => {
  const { work, attempts } = failing(9)
  const error = await rejection(backoff(work, { clock: fakeClock(), attempts: 3, retry: always }))
  assert.is(error.message, 'attempt 3')
  assert.is(attempts(), 3)
})

test('no attempt begins after the deadline', async () => {
  const clock = fakeClock()
  const { work } = failing(1_000)
  await rejection(backoff(work, { clock, deadlineMs: 10_000, random: () => 0.9, retry: always }))
  assert.ok(clock.now() < 10_000)
})

test('what cannot heal is not repeated', async () => {
  const { work, attempts } = failing(1)
  await rejection(backoff(work, { clock: fakeClock(), retry: () => false }))
  assert.is(attempts(), 1)
})

test('an abort ends it with its reason', async () => {
  const stop = new AbortController()
  const work = async () => {
    stop.abort(new Error('enough'))
    throw new Error('failed')
  }
  const error = await rejection(backoff(work, { clock: fakeClock(), signal: stop.signal, retry: always }))
  assert.is(error.message, 'enough')
})

test.run()
