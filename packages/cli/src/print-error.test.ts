import { defineErrors } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errorJson, errorText, exitCodeOf } from './print-error.ts'

const test = suite('printing errors')
const style = { colour: false, mask: (text: string) => text.replaceAll('s3cret', '***') }
const errors = defineErrors('core', {
  CHECKS_FAILED: { message: (d: { count: number }) => `${d.count} checks failed.`, hint: () => 'See below.' },
  DISK_SMALL: { message: (d: { host: string }) => `${d.host} has no room.\n  it has 1 GB`, hint: () => 'Make room.' },
})

test('what, code, why, try and where to read more', () => {
  assert.is(
    errorText(errors.DISK_SMALL({ host: 'm1' }), style),
    [
      '✗ m1 has no room.  DISK_SMALL',
      '    it has 1 GB',
      '  Try: Make room.',
      '  Docs: docs/reference/errors.md#disk_small',
      '',
    ].join('\n'),
  )
})

test('problems found together stand below', () => {
  const error = errors.CHECKS_FAILED({ count: 1 }, { problems: [errors.DISK_SMALL({ host: 'm1' })] })
  assert.match(errorText(error, style), /^✗ 1 checks failed\. .*\n {2}Try: See below\.\n {2}✗ m1 has no room\./)
})

test('each page is named once', () => {
  const problems = ['m1', 'm2'].map((host) => errors.DISK_SMALL({ host }))
  const text = errorText(errors.CHECKS_FAILED({ count: 2 }, { problems }), style)
  assert.is(text.split('Docs:').length, 2)
})

test('hosts that failed are named, each with its error', () => {
  const failed = new Error('10.0.0.3', { cause: errors.DISK_SMALL({ host: 'm1' }) })
  const text = errorText(new AggregateError([failed], '1 of 4 hosts failed'), style)
  assert.match(text, /^✗ 1 of 4 hosts failed\n {2}✗ 10\.0\.0\.3\n {4}✗ m1 has no room\./)
})

test('a defect shows its stack', () => {
  assert.match(
    errorText(new TypeError('x is undefined'), style),
    /defect of sealer.*\n {2}TypeError: x is undefined\n {6}at /,
  )
})

test('secrets are masked', () => {
  assert.not.match(errorText(errors.DISK_SMALL({ host: 's3cret' }), style), 's3cret')
  assert.not.match(errorJson(errors.DISK_SMALL({ host: 's3cret' }), style.mask), 's3cret')
})

test('what a host says cannot steer the terminal', () => {
  assert.not.match(errorText(errors.DISK_SMALL({ host: '\u001b[2J' }), style), '\u001b')
})

test('the exit code tells whether anything was tried', () => {
  const { signal } = new AbortController()
  const ours = defineErrors('cli', { X: { message: () => 'x', hint: () => 'y' } })
  assert.equal(
    [
      exitCodeOf(ours.X(), signal),
      exitCodeOf(errors.CHECKS_FAILED({ count: 1 }), signal),
      exitCodeOf(new Error('x'), signal),
    ],
    [2, 1, 1],
  )
})

test.run()
