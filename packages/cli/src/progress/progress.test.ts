import type { RunEvent } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { warn } from '../context.ts'
import { fakeContext } from '../fakes.test.support.ts'
import { showProgress } from './progress.ts'
import { showTransfer } from './transfer.ts'

const test = suite('progress')

const events: readonly RunEvent[] = [
  { type: 'run-started', at: 0, run: 'r', cluster: 'lab', steps: 2, bytes: 400_000_000 },
  { type: 'step-started', at: 0, step: 'send', title: 'Send what the host lacks', host: 'm1', bytes: 400_000_000 },
  { type: 'step-progress', at: 1, step: 'send', host: 'm1', bytes: 100_000_000 },
  { type: 'step-finished', at: 4200, step: 'send', title: 'Send what the host lacks', host: 'm1', milliseconds: 4200 },
  {
    type: 'step-failed',
    at: 9000,
    step: 'join',
    title: 'Join the cluster',
    host: 'n1',
    reason: 's3cret\u001b[2J token\nmore',
  },
]

test('plain lines where nothing can be redrawn, by host', () => {
  const context = fakeContext()
  {
    using progress = showProgress(context)
    for (const event of events) progress.onEvent(event)
  }
  assert.is(
    context.err(),
    [
      'lab: 2 steps, 400 MB to move',
      '✔ m1: Send what the host lacks  4.2 s',
      '✗ n1: Join the cluster: ***[2J token',
      '',
    ].join('\n'),
  )
})

test('a terminal shows what is under way with bytes, and at the end only what stays', () => {
  const plain = fakeContext()
  const context = fakeContext({}, { terminal: { ...plain.terminal, live: true } })
  {
    using progress = showProgress(context)
    for (const event of events.slice(0, 4)) progress.onEvent(event)
  }
  assert.is(plain.err(), 'lab: 2 steps, 400 MB to move\n✔ m1: Send what the host lacks  4.2 s\n')
})

test('a warning meanwhile stands above what is redrawn', () => {
  const plain = fakeContext()
  const context = fakeContext({}, { terminal: { ...plain.terminal, live: true } })
  {
    using progress = showProgress(context)
    for (const event of events.slice(0, 2)) progress.onEvent(event)
    warn(context, 'careful')
  }
  const [before = '', after = ''] = plain.err().split('! careful\n')
  assert.is(before, 'lab: 2 steps, 400 MB to move\n')
  assert.match(after, /m1: Send what the host lacks/)
})

test('programs get the events as they are', () => {
  const context = fakeContext({}, { format: 'json' })
  using progress = showProgress(context)
  for (const event of events) progress.onEvent(event)
  assert.equal(
    context
      .out()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
      .slice(0, 4),
    events.slice(0, 4),
  )
})

test('a transfer leaves nothing on the screen', () => {
  const plain = fakeContext()
  const context = fakeContext({}, { terminal: { ...plain.terminal, live: true } })
  {
    using transfer = showTransfer(context)
    transfer.onProgress({ done: 1e6, total: 4e6, what: 'layer' })
  }
  assert.is(plain.err(), '\r\u001b[K1.0 MB of 4.0 MB  layer\r\u001b[K')
})

test.run()
