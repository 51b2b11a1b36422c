import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FutureHost } from './hosts/future-host.ts'
import type { HostFacts, HostView } from './hosts/host.ts'
import { makePlan } from './make-plan.ts'
import type { Step } from './step.ts'

const test = suite('make-plan')
const frame = { cluster: 'lab', operation: 'install' } as const
const step = (id: string, after: string[] = [], reason?: string): Step => ({
  id,
  title: id,
  after,
  ...(reason === undefined ? {} : { skip: async () => reason }),
  do: async () => {},
})

test('a step stands behind those it needs', async () => {
  const { plan } = await makePlan([step('c', ['b']), step('b', ['a']), step('a')], frame)
  assert.equal(
    plan.steps.map(({ id }) => id),
    ['a', 'b', 'c'],
  )
})

test('what needed a skipped step waits for what that step waited for', async () => {
  const { plan } = await makePlan([step('a'), step('b', ['a'], 'done'), step('c', ['b'])], frame)
  assert.equal(plan.steps.find(({ id }) => id === 'c')?.after, ['a'])
  assert.equal(
    plan.skipped.map(({ id, reason }) => [id, reason]),
    [['b', 'done']],
  )
})

test('steps that wait for each other are refused by name', async () => {
  const error = await makePlan([step('a', ['b']), step('b', ['a'])], frame).catch((caught: Error) => caught)
  assert.match(String(error), 'wait for each other: a, b')
})

test('two steps with one id are refused', async () => {
  const error = await makePlan([step('a'), step('a')], frame).catch((caught: Error) => caught)
  assert.match(String(error), 'two steps are called a')
})

test('equal plans have equal hashes, other plans others', async () => {
  const one = await makePlan([step('a'), step('b', ['a'])], frame)
  const same = await makePlan([step('a'), step('b', ['a'])], frame)
  const other = await makePlan([step('a'), step('b')], frame)
  assert.is(one.plan.hash, same.plan.hash)
  assert.is.not(one.plan.hash, other.plan.hash)
})

test('a step that would ask a host which does not exist yet is planned', async () => {
  const view = new FutureHost(
    { name: 'n1', address: '10.0.0.1', roles: ['node'] },
    {} as HostFacts,
    () => ({}) as HostView,
  )
  const asks: Step = { ...step('join/n1'), host: view, skip: () => view.ask('hostname') }
  const { plan } = await makePlan([asks], frame)
  assert.equal(
    plan.steps.map(({ id }) => id),
    ['join/n1'],
  )
})

test.run()
