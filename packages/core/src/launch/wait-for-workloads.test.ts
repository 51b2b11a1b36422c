import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { rejection } from '../testing/index.ts'
import type { Kubectl, KubeObject } from './kubectl.ts'
import { waitForWorkloads } from './wait-for-workloads.ts'
import type { Workload } from './workload.ts'

const test = suite('wait-for-workloads')

/** A clock that runs as fast as it is asked. */
const fastClock = () => {
  let now = 0
  return {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds
    },
  }
}
const patience = (seconds = 10) => ({
  what: 'The app web',
  seconds,
  signal: new AbortController().signal,
  clock: fastClock(),
})
const web: Workload = { kind: 'Deployment', namespace: 'default', name: 'web' }
const deployment = (available: number): KubeObject => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', generation: 1 },
  spec: { replicas: 1, selector: { matchLabels: { app: 'web' } } },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: available },
})

test('it ends as soon as all are ready', async () => {
  const answers = [deployment(0), deployment(0), deployment(1)]
  await waitForWorkloads(async () => JSON.stringify(answers.shift()), [web], patience())
  assert.is(answers.length, 0)
})

test('a refusal of the API server in between heals', async () => {
  let asked = 0
  const kubectl: Kubectl = async () => {
    if (++asked === 1) throw new Error('connection refused')
    return JSON.stringify(deployment(1))
  }
  await waitForWorkloads(kubectl, [web], patience())
  assert.is(asked, 2)
})

test('when time is over it says what is not ready and why', async () => {
  const pod = {
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'default' },
    spec: { nodeName: 'n1' },
    status: {
      containerStatuses: [
        { name: 'c', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image\u001b[31m' } } },
      ],
    },
  }
  const event = { reason: 'Failed', message: 'pull failed' }
  const kubectl: Kubectl = async (args) => {
    if (args.includes('pods')) return JSON.stringify({ items: [pod] })
    return JSON.stringify(args.includes('events') ? { items: [event] } : deployment(0))
  }
  const error = await rejection(waitForWorkloads(kubectl, [web], patience(1)))
  assert.ok(SealerError.is(error) && error.code === 'NOT_READY')
  assert.is(
    error.message.split('\n').slice(1).join('\n'),
    [
      'Deployment default/web: 0 of 1 pods are available',
      '  web-1 on n1: container c waits: ImagePullBackOff: no such image [31m',
      '  web-1 on n1: Failed: pull failed',
    ].join('\n'),
  )
})

test('what has failed for good is not waited for', async () => {
  const failed = {
    kind: 'Job',
    metadata: { name: 'j', namespace: 'default' },
    status: { conditions: [{ type: 'Failed', status: 'True', message: 'no' }] },
  }
  const clock = fastClock()
  const kubectl: Kubectl = async (args) =>
    JSON.stringify(args.some((arg) => arg.startsWith('jobs')) ? failed : { items: [] })
  const job: Workload = { kind: 'Job', namespace: 'default', name: 'j' }
  const error = await rejection(waitForWorkloads(kubectl, [job], { ...patience(1000), clock }))
  assert.ok(SealerError.is(error) && error.code === 'NOT_READY')
  assert.is(clock.now(), 0)
})

test.run()
