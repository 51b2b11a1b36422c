import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeClock } from '../testing/fake-clock.ts'
import { until } from './until.ts'

const test = suite('until')

test('the first answer ends the waiting', async () => {
  const clock = fakeClock()
  const answers = [undefined, false as const, 'there']
  const ready = async () => answers.shift()
  assert.is(await until(ready, { every: 100, for: 1_000, clock }), 'there')
  assert.equal(clock.slept, [100, 100])
})

test('without an answer in time there is none', async () => {
  const clock = fakeClock()
  assert.is(await until(async () => false, { every: 100, for: 350, clock }), undefined)
  assert.is(clock.now(), 300)
})

test.run()
