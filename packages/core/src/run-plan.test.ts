import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from './clock.ts'
import { SealerError } from './errors.ts'
import type { HostPool } from './hosts/host.ts'
import type { JournalEntry } from './journal.ts'
import { makePlan } from './make-plan.ts'
import type { RunEvent } from './run-events.ts'
import { type RunContext, runPlan } from './run-plan.ts'
import type { Secrets } from './secrets.ts'
import type { Step } from './step.ts'

const test = suite('run-plan')

/** A small world: records journal and events; a secret is whatever is remembered. */
function world(signal: AbortSignal = new AbortController().signal) {
  const entries: JournalEntry[] = []
  const events: RunEvent[] = []
  const hidden: string[] = []
  const secrets: Secrets = {
    read: async () => '',
    remember: (secret) => void hidden.push(secret),
    mask: (text) => hidden.reduce((masked, secret) => masked.replaceAll(secret, '***'), text),
  }
  const context: RunContext = {
    run: 'r1',
    hosts: {} as HostPool,
    journal: { append: async (entry) => void entries.push(entry), entries: async () => entries },
    clock: systemClock,
    secrets,
    signal,
    onEvent: (event) => events.push(event),
  }
  return { context, entries, events }
}

const step = (id: string, after: string[], work: Step['do'] = async () => {}): Step => ({
  id,
  title: id,
  after,
  do: work,
})
const planned = (steps: readonly Step[]) => makePlan(steps, { cluster: 'lab', operation: 'install' })
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

test('independent steps run side by side, dependent ones in order', async () => {
  let most = 0
  let now = 0
  const busy = async () => {
    most = Math.max(most, ++now)
    await turn()
    now--
  }
  const { context } = world()
  const order = await runPlan(
    await planned([step('a', [], busy), step('b', [], busy), step('c', ['a', 'b'], busy)]),
    context,
  )
  assert.is(most, 2)
  assert.is(order.at(-1), 'c')
})

test('a lane holds no more than its limit', async () => {
  let most = 0
  let now = 0
  const upload = (id: string): Step => ({
    ...step(id, [], async () => {
      most = Math.max(most, ++now)
      await turn()
      now--
    }),
    lane: 'upload',
  })
  const { context } = world()
  await runPlan(await planned(['a', 'b', 'c', 'd'].map(upload)), {
    ...context,
    limits: { steps: 9, lanes: { upload: 2 } },
  })
  assert.is(most, 2)
})

test('after a failure no new step starts, and those under way end', async () => {
  const ran: string[] = []
  const { context, entries } = world()
  const work = await planned([
    step('bad', [], async () => Promise.reject(new Error('no disk'))),
    step('slow', [], async () => {
      await turn()
      ran.push('slow')
    }),
    step('next', ['slow'], async () => void ran.push('next')),
  ])
  const error = await runPlan(work, context).catch((caught: unknown) => caught)
  assert.ok(SealerError.is(error) && error.code === 'STEP_FAILED')
  assert.match(String(error), 'no disk')
  assert.equal(ran, ['slow'])
  assert.equal(
    entries.filter(({ event }) => event === 'finished').map((entry) => entry.step),
    ['slow'],
  )
  assert.is(entries.at(-1)?.reason, 'failed')
})

test('an abort ends the run as stopped on request, not as a failure of the step', async () => {
  const stopper = new AbortController()
  const { context, entries } = world(stopper.signal)
  const work = await planned([
    step('wait', [], async ({ signal }) => {
      setTimeout(() => stopper.abort(), 5)
      await systemClock.sleep(60_000, signal)
    }),
    step('never', ['wait']),
  ])
  const error = await runPlan(work, context).catch((caught: unknown) => caught)
  assert.ok(SealerError.is(error) && error.code === 'RUN_ABORTED')
  assert.is(entries.at(-1)?.reason, 'aborted')
})

test('what a step gives reaches later ones and no journal, event or error', async () => {
  const { context, entries, events } = world()
  const work = await planned([
    step('token', [], async ({ give, say }) => {
      give('token', 'abcdef.0123456789')
      say('made abcdef.0123456789')
    }),
    step('join', ['token'], async ({ given }) => {
      throw new Error(`refused ${given('token')}`)
    }),
  ])
  const error = await runPlan(work, context).catch((caught: unknown) => caught)
  assert.match(String(error), 'refused ***')
  assert.not.match(JSON.stringify([entries, events]), 'abcdef')
})

test('a milestone happens between its steps and what follows', async () => {
  const order: string[] = []
  const { context } = world()
  const work = await planned([
    step('install', [], async () => void order.push('install')),
    step('launch', ['install'], async () => void order.push('launch')),
  ])
  await runPlan(work, {
    ...context,
    milestones: [{ id: 'ready', after: ['install'], happen: async () => void order.push('ready') }],
  })
  assert.equal(order, ['install', 'ready', 'launch'])
})

test('the journal names the plan and its steps before the first one starts', async () => {
  const { context, entries } = world()
  const work = await planned([step('a', [])])
  await runPlan(work, context)
  assert.equal(
    entries.map(({ event }) => event),
    ['planned', 'started', 'finished', 'ended'],
  )
  assert.is(entries[0]?.plan, work.plan.hash)
  assert.equal(entries[0]?.steps, ['a'])
})

test.run()
