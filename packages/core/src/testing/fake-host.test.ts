import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { fakeClock } from './fake-clock.ts'
import { fakeHost } from './fake-host.ts'
import { rejection } from './rejection.ts'

const test = suite('fake-host')

test('the newest answer that fits wins', async () => {
  const host = fakeHost('a')
    .answer('uname', 'old')
    .answer(/^uname -m$/, 'new\n')
  assert.is(await host.ask('uname', '-m'), 'new')
  assert.is(await host.ask('uname', '-r'), 'old')
})

test('what asks and what changes is recorded apart', async () => {
  const host = fakeHost('a')
  await host.ask('ls', 'a b')
  await host.exec('reboot')
  assert.equal(host.asked, ["ls 'a b'"])
  assert.equal(host.commands, ['reboot'])
})

test('an exit code that nobody accepts is a failure', async () => {
  const host = fakeHost('a').answer('false', { exitCode: 1, stderr: 'no' })
  assert.is((await rejection<SealerError>(host.exec('false'))).code, 'COMMAND_FAILED')
  assert.is((await host.run({ argv: ['false'], accept: [1] })).exitCode, 1)
})

test('an answer may change the host', async () => {
  const host = fakeHost('a').answer('join', (_command, { files }) => {
    files.set('/etc/joined', 'yes')
    return ''
  })
  await host.exec('join')
  assert.ok(await host.has('/etc/joined'))
  await host.exec('rm', '-rf', '/etc')
  assert.not(await host.has('/etc/joined'))
})

test('a dead host does not answer', async () => {
  assert.is((await rejection<SealerError>(fakeHost('a').die().facts())).code, 'HOST_UNREACHABLE')
})

test('input is recorded whole', async () => {
  const host = fakeHost('a')
  await host.run({ argv: ['tee'], input: 'secret' })
  assert.equal(host.sent, [{ command: 'tee', input: Buffer.from('secret') }])
})

test('the fake clock is later at once, and remembers', async () => {
  const clock = fakeClock(5)
  await clock.sleep(1_000)
  assert.is(clock.now(), 1_005)
  assert.equal(clock.slept, [1_000])
})

test.run()
