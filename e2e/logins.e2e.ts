// landing, time limit: 240 s
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import type { SealerError } from '../packages/core/src/errors.ts'
import type { HostSpec, SshAccess } from '../packages/core/src/hosts/host.ts'
import { createHostPool, type HostPoolOptions } from '../packages/core/src/hosts/pool.ts'
import { silentLogger } from '../packages/core/src/logger.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { rejection } from '../packages/core/src/testing/rejection.ts'
import { eventually } from './support/eventually.ts'
import { killOperatorOf } from './support/killed-operator.ts'
import { type LoginLab, labPassword, startLoginLab } from './support/login-lab.ts'

const test = suite('logins')
const home = mkdtempSync(join(tmpdir(), 'sealer-logins-'))
let lab: LoginLab

function as(user: string, access: Partial<SshAccess> = {}, options: Partial<HostPoolOptions> = {}) {
  const pool = createHostPool({
    secrets: createSecrets({ env: { PASSWORD: labPassword, WRONG: 'not the password' } }),
    logger: silentLogger,
    clock: systemClock,
    hostKeys: { kind: 'accept-new' },
    agent: '',
    home,
    ...options,
  })
  const ssh: SshAccess = { user, port: lab.port, password: 'env:PASSWORD', ...access }
  const spec: HostSpec = { name: 'h1', address: '127.0.0.1', roles: ['node'], ssh }
  return { host: pool.host(spec), [Symbol.asyncDispose]: async () => await pool[Symbol.asyncDispose]() }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/** Every byte, several times: what a shell or a terminal would change. */
const allBytes = Buffer.concat([
  Buffer.from(labPassword),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  randomBytes(3_000_000),
])

test.before(async () => {
  lab = await startLoginLab(await freePort(), await freePort())
})
test.after(async () => {
  await lab?.[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

for (const user of ['ops', 'trusted', 'terminal', 'free', 'noisy']) {
  test(`${user}: a command runs as root, with exactly its own output`, async () => {
    await using at = as(user)
    const output = await at.host.run({ argv: ['sh', '-c', 'id -u; echo to-error >&2; cat'], input: 'one line\n' })
    assert.equal(output, { stdout: '0\none line\n', stderr: 'to-error\n', exitCode: 0 })
  })

  test(`${user}: input arrives byte by byte, also when sudo knows the password already`, async () => {
    await using at = as(user)
    for (const path of ['/root/first', '/root/second']) {
      await at.host.write(path, allBytes)
      const [sum = ''] = (await at.host.ask('sha256sum', path)).split(' ')
      assert.is(sum, createHash('sha256').update(allBytes).digest('hex'))
    }
  })

  test(`${user}: an abort ends what runs as root`, async () => {
    await using at = as(user)
    const stop = new AbortController()
    const started = (line: string) => line === 'started' && stop.abort(new Error('enough'))
    const seconds = `76.${[...user].map((letter) => letter.charCodeAt(0)).join('')}`
    const argv = ['sh', '-c', `sleep ${seconds} & echo started; sleep ${seconds}`]
    assert.is((await rejection(at.host.run({ argv, signal: stop.signal, onLine: started }))).message, 'enough')
    assert.is((await at.host.run({ argv: ['pgrep', '-f', `^sleep ${seconds}`], accept: [0, 1] })).stdout, '')
  })
}

for (const user of ['ops', 'terminal', 'free', 'noisy']) {
  test(`${user}: a terminal is one of root, and the password is not shown in it`, async () => {
    await using at = as(user)
    const output = new PassThrough({ encoding: 'utf8' })
    const terminal = { type: 'xterm', size: () => ({ columns: 80, rows: 24 }), onResize: () => () => {} }
    const argv = ['sh', '-c', 'test -t 0 && id -u']
    assert.is((await at.host.run({ argv, input: new PassThrough(), output, terminal })).exitCode, 0)
    assert.is(output.read(), '0\r\n')
  })
}

for (const user of ['terminal', 'free']) {
  test(`${user}: what runs as root ends with the operator who was killed`, async () => {
    await using at = as(user)
    const seconds = `75.${[...user].map((letter) => letter.charCodeAt(0)).join('')}`
    const command = `sleep ${seconds} & echo started; sleep ${seconds}`
    await killOperatorOf(at.host.spec, ['sh', '-c', command], { PASSWORD: labPassword, HOME: home })
    const left = () => at.host.run({ argv: ['pgrep', '-f', `^sleep ${seconds}`], accept: [0, 1] })
    await eventually('both processes are gone', 30, async () => (await left()).stdout === '' || undefined)
  })
}

test('keyboard-interactive takes the password too', async () => {
  await using at = as('ops', { port: lab.interactivePort })
  assert.is(await at.host.ask('id', '-u'), '0')
})

test('a wrong password is refused at once, and the error does not hold it', async () => {
  await using at = as('ops', { password: 'env:WRONG' })
  const error = await rejection<SealerError>(at.host.ask('id'))
  assert.is(error.code, 'HOST_AUTH_FAILED')
  assert.match(error.message, /password/)
  assert.not.match(error.message, /not the password/)
})

test('a wrong password for sudo is told as such', async () => {
  await using at = as('ops', { sudoPassword: 'env:WRONG' })
  const error = await rejection<SealerError>(at.host.ask('id'))
  assert.is(error.code, 'SUDO_FAILED')
  assert.match(error.message, /wrong/)
})

test('a user without sudo is told as such', async () => {
  await using at = as('plain')
  assert.is((await rejection<SealerError>(at.host.ask('id'))).code, 'SUDO_FAILED')
})

test('an unknown host key together with a password is refused by a strict policy', async () => {
  await using at = as('ops', {}, { hostKeys: { kind: 'strict' } })
  assert.is((await rejection<SealerError>(at.host.ask('id'))).code, 'HOST_KEY_UNKNOWN')
})

test('the password is in no process list', async () => {
  await using at = as('ops')
  const list = await at.host.ask('sh', '-c', 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done')
  assert.ok(list.includes('sudo'))
  assert.not(list.includes(labPassword))
})

test.run()
