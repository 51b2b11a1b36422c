import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import type { SealerError } from '../errors.ts'
import { createSecrets } from '../secrets.ts'
import { rejection } from '../testing/rejection.ts'
import type { HostSpec } from './host.ts'
import { localHost } from './local-host.ts'

const test = suite('local-host')
const folder = mkdtempSync(join(tmpdir(), 'sealer-local-host-'))
test.after(() => rmSync(folder, { recursive: true }))

const secrets = createSecrets()
/** This machine, whoever runs the tests: what is tried here needs no root. */
const spec: HostSpec = { name: 'here', address: '127.0.0.1', roles: ['node'] }
const host = localHost(spec, { secrets, clock: systemClock, user: { uid: 0, username: 'root' } }).as(spec)
const sh = (script: string, ...args: string[]) => ['sh', '-c', script, 'sh', ...args]

test('streams stay apart, and the exit code is told', async () => {
  const output = await host.run({ argv: sh('echo out; echo err >&2; exit 3'), accept: [3] })
  assert.equal(output, { stdout: 'out\n', stderr: 'err\n', exitCode: 3 })
})

test('a failed command keeps host, command, exit code and last lines', async () => {
  const error = await rejection<SealerError>(host.exec(...sh('seq 99; exit 3')))
  assert.is(error.code, 'COMMAND_FAILED')
  assert.match(error.message, /^here: "sh -c .*" ended with exit code 3:\n85\n/)
  assert.match(error.message, /\n99$/)
})

test('secrets are masked in command and output', async () => {
  secrets.remember('t0ken-1234')
  const { message } = await rejection(host.exec(...sh('echo "token t0ken-1234"; exit 1', 't0ken-1234')))
  assert.not.match(message, /t0ken-1234/)
  assert.match(message, /token \*\*\*/)
})

test('a secret where a long line is cut is masked whole', async () => {
  secrets.remember('s3cr3t-5678')
  const { message } = await rejection(host.exec(...sh('printf %0995d 0; echo s3cr3t-5678; exit 1')))
  assert.not.match(message, /s3cr/)
})

test("a host's output cannot steer the terminal", async () => {
  const { message } = await rejection(host.exec(...sh("printf 'a\\033[2Jb\\007c\\n'; exit 1")))
  assert.match(message, /\nabc$/)
})

test('a line comes as soon as it is written', async () => {
  const lines: string[] = []
  await host.run({
    argv: sh('printf "one\\r\\ntw"; sleep 0.1; printf "o\\nthree"'),
    onLine: (line) => void lines.push(line),
  })
  assert.equal(lines, ['one', 'two', 'three'])
})

test('a command that ends without reading its input is judged by its exit code', async () => {
  const endless = Readable.from(
    (async function* () {
      for (;;) yield Buffer.alloc(64 * 1024)
    })(),
  )
  await host.send(endless, 'true')
  assert.ok(endless.destroyed)
})

test('a source that fails ends the command', async () => {
  const broken = Readable.from(
    (async function* () {
      yield 'a'
      throw new Error('torn')
    })(),
  )
  assert.is((await rejection(host.send(broken, ...sh('cat >/dev/null; sleep 60')))).message, 'torn')
})

test('output may go into a stream, at its pace', async () => {
  let bytes = 0
  const output = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      setImmediate(done)
    },
  })
  const { stdout } = await host.run({ argv: ['head', '-c', '3000000', '/dev/zero'], output })
  assert.is(stdout, '')
  assert.is(bytes, 3_000_000)
})

test('more output than memory should hold ends the command', async () => {
  assert.match((await rejection(host.exec('cat', '/dev/zero'))).message, /more than 64 MiB/)
})

test('an abort ends the command with its reason', async () => {
  const stop = new AbortController()
  setTimeout(() => stop.abort(new Error('enough')), 50)
  assert.is((await rejection(host.run({ argv: ['sleep', '60'], signal: stop.signal }))).message, 'enough')
})

test('a file takes its place at once, with its mode', async () => {
  const path = join(folder, 'a', 'b')
  await host.write(path, 'one', { mode: 0o640 })
  await host.write(path, 'two', { mode: 0o640 })
  assert.is(readFileSync(path, 'utf8'), 'two')
  assert.is(statSync(path).mode & 0o777, 0o640)
})

test('a file with this content is left, and its mode mended', async () => {
  const path = join(folder, 'same')
  writeFileSync(path, 'same')
  const { ino } = statSync(path)
  chmodSync(path, 0o600)
  await host.write(path, 'same')
  assert.is(statSync(path).ino, ino)
  assert.is(statSync(path).mode & 0o777, 0o644)
})

test('a folder is not written over', async () => {
  assert.match((await rejection(host.write(folder, 'x'))).message, /is a folder/)
})

test('facts are those of this machine', async () => {
  const facts = await host.facts()
  assert.is(facts.platform.os, 'linux')
  assert.ok(facts.cpus > 0)
  assert.ok(Math.abs(facts.clockSkewMs) < 2_000)
})

test.run()
