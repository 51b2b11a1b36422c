import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readinessOf, workloadsAmong } from './workload.ts'

const test = suite('workload')

const object = (kind: string, spec: Record<string, unknown>, status: Record<string, unknown>) => ({
  kind,
  metadata: { name: 'x', generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
})
const why = (kind: string, spec: Record<string, unknown>, status: Record<string, unknown>) => {
  const readiness = readinessOf(object(kind, spec, status))
  return readiness.state === 'ready' ? 'ready' : `${readiness.state}: ${readiness.why}`
}

test('a Deployment is ready when all pods of the newest version are available', () => {
  const rolled = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }
  assert.is(why('Deployment', { replicas: 2 }, rolled), 'ready')
  assert.is(
    why('Deployment', { replicas: 2 }, { ...rolled, availableReplicas: 1 }),
    'waiting: 1 of 2 pods are available',
  )
  assert.is(
    why('Deployment', { replicas: 2 }, { ...rolled, replicas: 3 }),
    'waiting: pods of the version before are still there',
  )
  assert.is(
    why('Deployment', { replicas: 2 }, { ...rolled, observedGeneration: 1 }),
    'waiting: its controller has not seen it yet',
  )
})

test('a DaemonSet is ready on all nodes that it is for; none is enough when there are none', () => {
  const status = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 }
  assert.is(why('DaemonSet', {}, status), 'ready')
  assert.is(why('DaemonSet', {}, { ...status, numberAvailable: 2 }), 'waiting: 2 of 3 pods are available')
  assert.is(why('DaemonSet', {}, { desiredNumberScheduled: 0 }), 'ready')
})

test('a Job is ready when it has completed, and failed for good when it says so', () => {
  assert.is(why('Job', {}, {}), 'waiting: it has not completed')
  assert.is(why('Job', {}, { conditions: [{ type: 'Complete', status: 'True' }] }), 'ready')
  assert.is(
    why('Job', {}, { conditions: [{ type: 'Failed', status: 'True', message: 'too often' }] }),
    'failed: too often',
  )
  assert.is(why('Job', { suspend: true }, {}), 'ready')
})

test('a StatefulSet and a Pod wait for readiness', () => {
  assert.is(why('StatefulSet', { replicas: 1 }, {}), 'waiting: 0 of 1 pods are ready')
  assert.is(why('Pod', {}, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }), 'ready')
  assert.is(why('Pod', {}, { phase: 'Pending' }), 'waiting: its phase is Pending')
})

test('only what runs pods is awaited', () => {
  const found = workloadsAmong([
    { kind: 'Service', metadata: { name: 's' } },
    { kind: 'Deployment', metadata: { name: 'd', namespace: 'web' } },
    { kind: 'Job', metadata: { name: 'j' } },
  ])
  assert.equal(found, [
    { kind: 'Deployment', namespace: 'web', name: 'd' },
    { kind: 'Job', namespace: 'default', name: 'j' },
  ])
})

test('a DaemonSet may lack the pods of nodes that are known to be silent', () => {
  const status = { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 }
  const object = { kind: 'DaemonSet', metadata: { generation: 1 }, status }
  assert.is(readinessOf(object).state, 'waiting')
  assert.is(readinessOf(object, 1).state, 'ready')
})

test.run()
