// landing, time limit: 240 s
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import type { SealerError } from '../packages/core/src/errors.ts'
import type { Host, HostSpec, SshAccess } from '../packages/core/src/hosts/host.ts'
import { createHostPool, type HostPoolOptions } from '../packages/core/src/hosts/pool.ts'
import { silentLogger } from '../packages/core/src/logger.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { rejection } from '../packages/core/src/testing/rejection.ts'
import { eventually } from './support/eventually.ts'
import { killOperatorOf } from './support/killed-operator.ts'
import { hasSshd, type Sshd, startSshd } from './support/sshd.ts'

const test = suite('hosts')
const world = mkdtempSync(join(tmpdir(), 'sealer-hosts-'))
const MiB = 1024 * 1024
let sshd: Sshd

/** One host with a pool of its own; the host key is known unless the options say otherwise. */
function hostAt(access: Partial<SshAccess> | 'agent' = {}, options: Partial<HostPoolOptions> = {}) {
  const knownHosts = join(world, 'known_hosts')
  writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`)
  const pool = createHostPool({
    secrets: createSecrets({ env: { PASSPHRASE: 'open sesame', WRONG: 'open barley' } }),
    logger: silentLogger,
    clock: systemClock,
    hostKeys: { kind: 'strict' },
    knownHosts: [knownHosts],
    agent: '',
    home: world,
    ...options,
  })
  const byKey = access === 'agent' ? {} : { privateKey: join(sshd.folder, 'id'), ...access }
  const ssh: SshAccess = { user: 'root', port: sshd.port, ...byKey }
  const spec: HostSpec = { name: 'h1', address: '127.0.0.1', roles: ['node'], ssh }
  return { host: pool.host(spec), [Symbol.asyncDispose]: async () => await pool[Symbol.asyncDispose]() }
}

const unknown = { knownHosts: [] as string[] }
const codeOf = async (promise: Promise<unknown>) => (await rejection<SealerError>(promise)).code

test.before(async () => {
  if (!hasSshd()) throw new Error('These tests need root and openssh-server.')
  sshd = await startSshd()
})
test.after(async () => {
  await sshd?.[Symbol.asyncDispose]()
  rmSync(world, { recursive: true, force: true })
})

test('a key logs in', async () => {
  await using at = hostAt()
  assert.is(await at.host.exec('echo', "it's", '$HOME', '*'), "it's $HOME *")
})

test('an encrypted key logs in with its passphrase', async () => {
  await using at = hostAt({ privateKey: join(sshd.folder, 'locked'), passphrase: 'env:PASSPHRASE' })
  assert.is(await at.host.ask('id', '-u'), '0')
})

test('a wrong passphrase is told without a login', async () => {
  await using at = hostAt({ privateKey: join(sshd.folder, 'locked'), passphrase: 'env:WRONG' })
  assert.is(await codeOf(at.host.ask('id')), 'KEY_UNREADABLE')
})

test('an agent logs in', async () => {
  await using agent = await startAgent(join(sshd.folder, 'id'))
  await using at = hostAt('agent', { agent: agent.socket })
  assert.is(await at.host.ask('id', '-u'), '0')
})

test('a key that is not allowed is refused at once, and the error says what was tried', async () => {
  await using at = hostAt({ privateKey: join(sshd.folder, 'stranger') })
  const began = Date.now()
  const error = await rejection<SealerError>(at.host.ask('id'))
  assert.is(error.code, 'HOST_AUTH_FAILED')
  assert.match(error.message, /stranger/)
  assert.ok(Date.now() - began < 10_000, 'it was tried again')
})

test('a host where nobody listens is tried until the deadline', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await using at = hostAt({ port }, { deadlineMs: 1_500 })
  const error = await rejection<SealerError>(at.host.ask('id'))
  assert.is(error.code, 'HOST_UNREACHABLE')
  assert.match(error.message, /refused/)
})

test('a host that starts in the meantime is reached', async () => {
  await sshd.stop()
  await using at = hostAt()
  const answer = at.host.ask('id', '-u')
  await new Promise((resolve) => setTimeout(resolve, 700))
  await sshd.start()
  assert.is(await answer, '0')
})

test('an unknown host key is refused by a strict policy', async () => {
  await using at = hostAt({}, unknown)
  assert.is(await codeOf(at.host.ask('id')), 'HOST_KEY_UNKNOWN')
})

test('an unknown host key is pinned by accept-new, and another one refused from then on', async () => {
  const pinFile = join(world, 'cluster', 'known_hosts')
  const options = { ...unknown, pinFile, hostKeys: { kind: 'accept-new' } } as const
  {
    await using at = hostAt({}, options)
    assert.is(await at.host.ask('id', '-u'), '0')
  }
  assert.is(readFileSync(pinFile, 'utf8'), `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`)
  assert.is(statSync(pinFile).mode & 0o777, 0o600)
  await sshd.withNewHostKey()
  await using at = hostAt({}, options)
  const error = await rejection<SealerError>(at.host.ask('id'))
  assert.is(error.code, 'HOST_KEY_CHANGED')
  assert.match(error.message, /SHA256:/)
  const remedy = /ssh-keygen -R '(\S+)' -f (\S+)/.exec(error.hint)
  execFileSync('ssh-keygen', ['-q', '-R', remedy?.[1] ?? '', '-f', remedy?.[2] ?? ''], { stdio: 'ignore' })
  assert.is(await at.host.ask('id', '-u'), '0')
})

test('an unknown host key is asked for once, even when two commands begin together', async () => {
  const asked: string[] = []
  const ask = async (_host: string, fingerprint: string) => {
    asked.push(fingerprint)
    return true
  }
  await using at = hostAt({}, { ...unknown, hostKeys: { kind: 'ask', ask } })
  await Promise.all([at.host.ask('id'), at.host.ask('id')])
  const shown = execFileSync('ssh-keygen', ['-lf', join(sshd.folder, 'host.pub')], { encoding: 'utf8' })
  assert.equal(asked, [shown.split(' ')[1]])
})

test('a no to the question refuses', async () => {
  await using at = hostAt({}, { ...unknown, hostKeys: { kind: 'ask', ask: async () => false } })
  assert.is(await codeOf(at.host.ask('id')), 'HOST_KEY_UNKNOWN')
})

test('a stream goes in and out byte by byte', async () => {
  await using at = hostAt()
  const size = 96 * MiB
  const [sent, received] = [createHash('sha256'), createHash('sha256')]
  async function* pieces() {
    for (let left = size; left > 0; left -= MiB) {
      const piece = randomBytes(MiB)
      sent.update(piece)
      yield piece
    }
  }
  const path = join(world, 'blob')
  await at.host.send(Readable.from(pieces()), 'sh', '-c', 'cat >"$1"', 'sh', path)
  assert.is(statSync(path).size, size)
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      received.update(chunk)
      done()
    },
  })
  await at.host.run({ argv: ['cat', path], output })
  assert.is(received.digest('hex'), sent.digest('hex'))
})

test('standard output and standard error stay apart, and lines come as they are written', async () => {
  await using at = hostAt()
  const lines: string[] = []
  const output = await at.host.run({
    argv: ['sh', '-c', 'echo one; sleep 0.2; echo two >&2; sleep 0.2; printf three'],
    onLine: (line, stream) => void lines.push(`${stream} ${line}`),
  })
  assert.equal(output, { stdout: 'one\nthree', stderr: 'two\n', exitCode: 0 })
  assert.equal(lines, ['stdout one', 'stderr two', 'stdout three'])
})

test('an abort ends the command and all that it has started', async () => {
  await using at = hostAt()
  const stop = new AbortController()
  const seconds = '98.7654'
  const started = (line: string) => line === 'started' && stop.abort(new Error('enough'))
  const command = `sleep ${seconds} & trap '' TERM; echo started; sleep ${seconds}; sleep ${seconds}`
  const error = await rejection(at.host.run({ argv: ['sh', '-c', command], signal: stop.signal, onLine: started }))
  assert.is(error.message, 'enough')
  assert.is(processesWith(seconds), 0)
  assert.is(await at.host.ask('echo', 'next'), 'next')
})

test('a command that says nothing ends with the operator who was killed, and with it all that it has started', async () => {
  const seconds = '97.6543'
  const silent = ['sh', '-c', `sleep ${seconds} & trap '' TERM; echo started; sleep ${seconds}; sleep ${seconds}`]
  const here: HostSpec = { name: 'here', address: '127.0.0.1', roles: ['node'] }
  const far = { ...here, ssh: { user: 'root', port: sshd.port, privateKey: join(sshd.folder, 'id') } }
  for (const spec of [far, here]) {
    await killOperatorOf(spec, silent, { HOME: world })
    await eventually('both processes are gone', 30, async () => processesWith(seconds) === 0 || undefined)
  }
})

test('forty commands at once keep to the sessions that sshd allows', async () => {
  await using at = hostAt()
  const answers = Array.from({ length: 40 }, (_, index) =>
    at.host.ask('sh', '-c', 'sleep 0.05; echo "$1"', 'sh', `${index}`),
  )
  assert.equal(
    await Promise.all(answers),
    Array.from({ length: 40 }, (_, index) => `${index}`),
  )
  assert.is(sshd.connections().length, 1)
})

test('an sshd that allows two sessions only is served too', async () => {
  await using narrow = await startSshd({ maxSessions: 2 })
  await using at = hostAt(
    { port: narrow.port, privateKey: join(narrow.folder, 'id') },
    { hostKeys: { kind: 'accept-new' } },
  )
  const answers = Array.from({ length: 6 }, (_, index) =>
    at.host.ask('sh', '-c', 'sleep 0.1; echo "$1"', 'sh', `${index}`),
  )
  assert.equal(await Promise.all(answers), ['0', '1', '2', '3', '4', '5'])
})

test('a lost connection fails the command under way, and the next one connects anew', async () => {
  await using at = hostAt()
  const cut = (line: string) => {
    for (const pid of line === 'started' ? sshd.connections() : []) process.kill(pid, 'SIGKILL')
  }
  const error = await rejection<SealerError>(at.host.run({ argv: ['sh', '-c', 'echo started; sleep 5'], onLine: cut }))
  assert.is(error.code, 'HOST_UNREACHABLE')
  assert.is(await at.host.ask('echo', 'again'), 'again')
})

test('a failed command keeps its exit code and last lines', async () => {
  await using at = hostAt()
  const error = await rejection<SealerError>(at.host.exec('sh', '-c', 'seq 100; echo boom >&2; exit 7'))
  assert.is(error.code, 'COMMAND_FAILED')
  assert.match(error.message, /^h1: .* exit code 7:\n/)
  assert.match(error.message, /boom/)
  assert.not.match(error.message, /^50$/m)
})

test('a program that is not there is a failed command', async () => {
  await using at = hostAt()
  assert.match((await rejection(at.host.exec('no-such-program'))).message, /exit code 127/)
})

test('a file is written with its mode, and not again', async () => {
  await using at = hostAt()
  const path = join(world, 'deep', "it's a file")
  await at.host.write(path, 'content\n', { mode: 0o600 })
  const { ino, mode } = statSync(path)
  assert.is(readFileSync(path, 'utf8'), 'content\n')
  assert.is(mode & 0o777, 0o600)
  await at.host.write(path, 'content\n', { mode: 0o600 })
  assert.is(statSync(path).ino, ino)
  assert.is(await at.host.read(path), 'content\n')
  assert.is(await at.host.read(`${path}.none`), undefined)
  assert.ok(await at.host.has(join(world, 'deep')))
})

test('a binary file of several MiB arrives whole', async () => {
  await using at = hostAt()
  const content = randomBytes(5 * MiB)
  await at.host.write(join(world, 'binary'), content)
  assert.ok(readFileSync(join(world, 'binary')).equals(content))
})

test('facts come in one round trip', async () => {
  await using at = hostAt()
  const facts = await at.host.facts()
  assert.is(facts.kernel, execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim())
  assert.ok(facts.listening.includes(sshd.port))
  assert.ok(Math.abs(facts.clockSkewMs) < 1_000)
})

test('a port of the host is reached through the connection', async () => {
  await using at = hostAt()
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const stream = await at.host.connect(port)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  assert.is(Buffer.concat(chunks).toString(), 'hello')
  server.close()
  assert.is(await codeOf(at.host.connect(1)), 'PORT_UNREACHABLE')
})

test('a host is reached through another one', async () => {
  await using beyond = await startSshd()
  const key = (at: Sshd): SshAccess => ({ user: 'root', port: at.port, privateKey: join(at.folder, 'id') })
  const jump: HostSpec = { name: 'bastion', address: '127.0.0.1', roles: [], ssh: key(sshd) }
  await using at = hostAt({ ...key(beyond), jump }, { hostKeys: { kind: 'accept-new' } })
  assert.is(await at.host.ask('id', '-u'), '0')
  assert.is(sshd.connections().length, 1)
  assert.is(beyond.connections().length, 1)
})

test('a host that is down behind another one is unreachable', async () => {
  const jump: HostSpec = {
    name: 'bastion',
    address: '127.0.0.1',
    roles: [],
    ssh: { user: 'root', port: sshd.port, privateKey: join(sshd.folder, 'id') },
  }
  await using at = hostAt({ port: 1, jump }, { deadlineMs: 500 })
  assert.is(await codeOf(at.host.ask('id')), 'HOST_UNREACHABLE')
})

test('environment, folder and input reach the command', async () => {
  await using at = hostAt()
  const { stdout } = await at.host.run({
    argv: ['sh', '-c', 'printf "%s %s " "$WORD" "$PWD"; cat'],
    env: { WORD: "a 'b'" },
    cwd: world,
    input: 'in',
  })
  assert.is(stdout, `a 'b' ${world} in`)
})

test('a command gets a terminal of the size of the window, and keys as they are typed', async () => {
  const at = hostAt()
  await using _ = at
  const pool = createHostPool({ secrets: createSecrets(), logger: silentLogger, clock: systemClock })
  await using __ = pool
  const here = pool.host({ name: 'here', address: '127.0.0.1', roles: ['node'] })
  const dialogue = 'test -t 0 && test -t 1 && stty size; read -r name; echo "you are $name"; exit 7'
  for (const host of [at.host, here]) {
    const [input, output] = [new PassThrough(), new PassThrough({ encoding: 'utf8' })]
    const terminal = { type: 'xterm', size: () => ({ columns: 91, rows: 17 }), onResize: () => () => {} }
    const ended = host.run({ argv: ['sh', '-c', dialogue], input, output, terminal })
    let said = ''
    for await (const text of output) {
      said += text
      if (said.includes('17 91') && !said.includes('you')) input.write('root\r')
      if (said.includes('you are root')) break
    }
    assert.is((await ended).exitCode, 7)
    assert.not.match(said, /[0-9a-f]{32}/, 'marks are not shown')
  }
})

test('this machine is a host like any other', async () => {
  const pool = createHostPool({ secrets: createSecrets(), logger: silentLogger, clock: systemClock })
  await using _ = pool
  const here: Host = pool.host({ name: 'here', address: '127.0.0.1', roles: ['node'] })
  assert.is(await here.exec('echo', 'local'), 'local')
  assert.match((await rejection(here.exec('false'))).message, /exit code 1/)
  await here.write(join(world, 'local'), 'x')
  assert.ok(existsSync(join(world, 'local')))
})

async function startAgent(key: string) {
  const socket = join(world, 'agent')
  const child: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20))
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
  return { socket, [Symbol.asyncDispose]: async () => void child.kill() }
}

/** How many processes have this word among their arguments. */
function processesWith(word: string): number {
  try {
    return execFileSync('pgrep', ['-f', `^sleep ${word.replace('.', '[.]')}`], { encoding: 'utf8' })
      .trim()
      .split('\n').length
  } catch {
    return 0 // pgrep found none
  }
}

test.run()
