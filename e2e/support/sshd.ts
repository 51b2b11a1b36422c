import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real sshd of this machine on a port of its own, with keys of its own. Root logs in by key. */
export interface Sshd extends AsyncDisposable {
  readonly port: number
  /** Folder with `id` (key), `locked` (the same kind, passphrase "open sesame") and `stranger` (a key that is not allowed). */
  readonly folder: string
  /** Public host key as known_hosts writes it: type and base64. */
  readonly hostKey: string
  /** Starts again with another host key, at the same port. */
  withNewHostKey(): Promise<void>
  /** Processes that hold one connection each. */
  connections(): number[]
  start(): Promise<void>
  stop(): Promise<void>
}

const separationFolder = '/run/sshd' // wants to be there, empty

export const hasSshd = (): boolean => existsSync('/usr/sbin/sshd') && process.getuid?.() === 0

/** @param maxSessions how many commands it allows at once on one connection */
export async function startSshd({ maxSessions = 10 } = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'sealer-sshd-'))
  const madeSeparationFolder = !existsSync(separationFolder)
  if (madeSeparationFolder) mkdirSync(separationFolder, { mode: 0o755 })
  makeKey(join(folder, 'host'))
  makeKey(join(folder, 'id'))
  makeKey(join(folder, 'locked'), 'open sesame')
  makeKey(join(folder, 'stranger'))
  const allowed = ['id', 'locked'].map((name) => readFileSync(join(folder, `${name}.pub`), 'utf8'))
  writeFileSync(join(folder, 'allowed'), allowed.join(''), { mode: 0o600 })
  const port = await freePort()
  writeFileSync(join(folder, 'config'), `${configOf(folder, port)}MaxSessions ${maxSessions}\n`)
  let child: ChildProcess | undefined

  const start = async () => {
    child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'config')], { stdio: 'ignore' })
    await listening(port)
  }
  const stop = async () => {
    for (const pid of connections()) kill(pid)
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    child = undefined
  }
  const connections = () => (child?.pid === undefined ? [] : childrenOf(child.pid))
  await start()
  return {
    port,
    folder,
    get hostKey() {
      return readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
    },
    connections,
    start,
    stop,
    withNewHostKey: async () => {
      await stop()
      rmSync(join(folder, 'host'))
      rmSync(join(folder, 'host.pub'))
      makeKey(join(folder, 'host'))
      await start()
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
      if (madeSeparationFolder) rmSync(separationFolder, { recursive: true, force: true })
    },
  }
}

const configOf = (folder: string, port: number): string => `
Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host
PidFile none
AuthorizedKeysFile ${folder}/allowed
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserEnvironment no
LogLevel ERROR
`

function makeKey(path: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'sealer e2e', '-f', path])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1')
    const answered = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`sshd does not listen at ${port}`)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {} // it has just ended
}

const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)

function parentOf(pid: number): number | undefined {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return undefined // it has just ended
  }
}
