import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { rejection } from '../testing/rejection.ts'
import { Askers } from './askers.ts'
import type { RefusedImage } from './recording-proxy.ts'
import { watchCluster } from './watch-cluster.ts'

const test = suite('watch-cluster')
const refused = (reference: string): RefusedImage => ({ reference, reason: 'it is not there' })

type Waiting = string | undefined

const pod = (name: string, reason: Waiting, status: object = {}) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'c', image: 'quay.io/a/b:1' }] },
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'c', state: reason === undefined ? { running: {} } : { waiting: { reason } } }],
    ...status,
  },
})

/** A cluster whose pods are what `pods` says at a second of its life. */
function world(pods: (second: number) => readonly object[] | undefined) {
  const clock = fakeClock()
  const began = clock.now()
  const second = () => (clock.now() - began) / 1000
  const proxy = { refused: [] as RefusedImage[], lastNews: 0 }
  const asked: string[] = []
  const watch = (launching: Promise<unknown> = Promise.resolve(), timeoutSeconds = 600) =>
    watchCluster(launching, {
      kubectl: async ([, what = '']) => {
        asked.push(what)
        const items = what === 'events' ? [] : pods(second())
        if (items === undefined) throw new Error('connection refused')
        return JSON.stringify({ items })
      },
      proxy,
      askers: new Askers({ apps: [], launch: [], cmds: [] }),
      settleSeconds: 30,
      timeoutSeconds,
      clock,
      signal: new AbortController().signal,
    })
  return { clock, began, second, proxy, watch, asked }
}

test('it has come to rest when every pod has its images and nothing new has happened for a while', async () => {
  const { watch, second } = world((at) => [pod('a', at < 60 ? 'ContainerCreating' : undefined)])
  assert.equal(await watch(), { kind: 'settled', unscheduled: [] })
  assert.ok(second() >= 60)
})

test('a pod that comes later, or bytes that pass, begin the wait anew', async () => {
  const later = world((at) => [pod('a', undefined), ...(at < 20 ? [] : [pod('b', undefined)])])
  await later.watch()
  assert.ok(later.second() >= 50, `${later.second()}`)
  const passing = world(() => [pod('a', undefined)])
  passing.proxy.lastNews = passing.began + 40_000
  await passing.watch()
  assert.ok(passing.second() >= 70, `${passing.second()}`)
})

test('a cluster that does not answer is not at rest', async () => {
  const { watch, second } = world((at) => (at < 100 ? undefined : []))
  await watch()
  assert.ok(second() >= 100)
})

test('containers that fail for another reason have their image', async () => {
  for (const reason of ['CrashLoopBackOff', 'CreateContainerConfigError', 'RunContainerError'])
    assert.is((await world(() => [pod('a', reason)]).watch()).kind, 'settled')
  const done = world(() => [pod('a', 'PodInitializing', { phase: 'Failed' })])
  assert.is((await done.watch()).kind, 'settled')
})

test('a pod that finds no place is told, and not waited for', async () => {
  const status = {
    containerStatuses: [],
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
  }
  assert.equal(await world(() => [pod('gpu', undefined, status)]).watch(), {
    kind: 'settled',
    unscheduled: ['shop/gpu'],
  })
})

test('something that cannot be had ends it, once nothing else happens, launched or not', async () => {
  const { watch, proxy, second } = world(() => [pod('a', 'ImagePullBackOff')])
  proxy.refused.push(refused('quay.io/a/b:1'))
  assert.is((await watch(new Promise(() => {}))).kind, 'stalled')
  assert.ok(second() < 60)
})

test('a launch that fails ends it at once', async () => {
  const { watch } = world(() => [])
  const failing = Promise.reject(new Error('no'))
  assert.is((await watch(failing)).kind, 'failed')
})

test('a cluster that never comes to rest is given up, with what it waits for', async () => {
  const { watch } = world(() => [pod('a', 'ContainerCreating')])
  const error = await rejection<SealerError>(watch(Promise.resolve(), 120))
  assert.is(error.code, 'OBSERVE_TIMEOUT')
  assert.match(error.message, 'shop/a: c: ContainerCreating')
  const launching = await rejection<SealerError>(world(() => []).watch(new Promise(() => {}), 120))
  assert.match(launching.message, 'the launch commands have not ended')
})

test.run()
