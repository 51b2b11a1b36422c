import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agoText, bytesText, durationText } from './measures.ts'

const test = suite('measures')

test('bytes', () => {
  assert.equal([0, 999, 1500, 41_200_000, 412_000_000, 999_600_000, 12_345_000_000].map(bytesText), [
    '0 B',
    '999 B',
    '1.5 kB',
    '41 MB',
    '412 MB',
    '1.0 GB',
    '12 GB',
  ])
})

test('durations', () => {
  assert.equal([420, 12_300, 61_000, 200_000].map(durationText), ['0.4 s', '12 s', '61 s', '3 min 20 s'])
})

test('ages', () => {
  const hour = 3_600_000
  assert.equal(
    [0, hour, 50 * hour].map((age) => agoText(1e12 - age, 1e12)),
    ['just now', '1 hour ago', '2 days ago'],
  )
})

test.run()
