import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contradictions, mergeTrees } from './trees.ts'

const test = suite('trees')

test('maps merge, scalars and lists of the stronger replace', () => {
  const merged = mergeTrees({ a: { b: 1, c: 2 }, list: [1, 2], keep: 'x' }, { a: { c: 3 }, list: [9] })
  assert.equal(merged, { a: { b: 1, c: 3 }, list: [9], keep: 'x' })
})

test('extra arguments merge by name', () => {
  const weak = {
    extraArgs: [
      { name: 'v', value: '2' },
      { name: 'audit-log-path', value: '/a' },
    ],
  }
  const merged = mergeTrees(weak, { extraArgs: [{ name: 'v', value: '4' }] })
  assert.equal(merged.extraArgs, [
    { name: 'audit-log-path', value: '/a' },
    { name: 'v', value: '4' },
  ])
})

test('a value that was computed otherwise is found by its path; lists and what is not said are not compared', () => {
  const computed = { localAPIEndpoint: { advertiseAddress: '10.0.0.1' }, names: ['a'], other: 1 }
  assert.equal(
    contradictions({ localAPIEndpoint: { advertiseAddress: '10.0.0.9', bindPort: 6443 }, names: ['b'] }, computed),
    [{ field: 'localAPIEndpoint.advertiseAddress', wanted: '10.0.0.9', computed: '10.0.0.1' }],
  )
})

test.run()
