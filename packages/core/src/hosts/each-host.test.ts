import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { fakeHost } from '../testing/fake-host.ts'
import { rejection } from '../testing/rejection.ts'
import { eachHost } from './each-host.ts'

const test = suite('each-host')
const hosts = ['a', 'b', 'c', 'd'].map((name) => fakeHost(name))
const turn = () => new Promise(setImmediate)

test('results keep the order of hosts', async () => {
  const slowFirst = async ({ name }: { name: string }) => {
    if (name === 'a') await turn()
    return name
  }
  assert.equal(await eachHost(hosts, slowFirst), ['a', 'b', 'c', 'd'])
})

test('no more hosts at once than the limit', async () => {
  let now = 0
  let most = 0
  const busy = async () => {
    most = Math.max(most, ++now)
    await turn()
    now -= 1
  }
  await eachHost(hosts, busy, { limit: 2 })
  assert.is(most, 2)
})

test('every failure is reported by host, and all hosts are waited for', async () => {
  let finished = 0
  const work = async ({ name }: { name: string }) => {
    if (name < 'c') throw new Error('no disk')
    await turn()
    finished += 1
  }
  const error = await rejection<SealerError>(eachHost(hosts, work))
  assert.is(error.code, 'HOSTS_FAILED')
  assert.equal(
    error.problems.map((problem) => problem.message),
    ['a: no disk', 'b: no disk'],
  )
  assert.is(finished, 2)
})

test('after an abort no host is begun, and those under way are waited for', async () => {
  const stop = new AbortController()
  const begun: string[] = []
  let ended = 0
  const work = async ({ name }: { name: string }) => {
    begun.push(name)
    stop.abort(new Error('enough'))
    await turn()
    ended += 1
  }
  const error = await rejection(eachHost(hosts, work, { limit: 2, signal: stop.signal }))
  assert.is(error.message, 'enough')
  assert.equal(begun, ['a'])
  assert.is(ended, 1)
})

test.run()
