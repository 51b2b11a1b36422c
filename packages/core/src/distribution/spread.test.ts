import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { spread } from './spread.ts'

const test = suite('spread')

test('each host has one parent, asks the first host where that fails, and serves no more than the limit', () => {
  const hosts = Array.from({ length: 20 }, (_, index) => index)
  const places = spread(hosts, 3)
  assert.equal(places.get(0), { from: [], to: [1, 2, 3] })
  assert.equal(places.get(2), { from: [0], to: [7, 8, 9] })
  assert.equal(places.get(19)?.from, [6, 0])
  assert.equal(
    hosts.flatMap((host) => places.get(host)?.to ?? []),
    hosts.slice(1),
  )
})

test('a host alone passes nothing on', () => {
  assert.equal([...spread(['m1'])], [['m1', { from: [], to: [] }]])
})

test.run()
