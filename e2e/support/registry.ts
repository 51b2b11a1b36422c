import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Debian's docker-registry on a free port of this machine, with its storage in a temporary folder. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** File of a blob in its storage. */
  blobFile(digest: string): string
}

export interface RegistryOptions {
  /** Wants the login `ann` with the password `pa55word`. */
  readonly login?: boolean
}

const program = '/usr/bin/docker-registry'
/** bcrypt of `pa55word`. */
const htpasswd = 'ann:$2b$05$abcdefghijklmnopqrstuur.ZxEKly2fYX6K.hrvYXsoEaKgtr95a\n'

export const hasRegistry = (): boolean => existsSync(program)

export async function startRegistry({ login = false }: RegistryOptions = {}): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'sealer-registry-'))
  const port = await freePort()
  await writeFile(join(folder, 'htpasswd'), htpasswd)
  await writeFile(join(folder, 'config.yml'), configOf(folder, port, login))
  const child = spawn(program, ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.on('data', (text) => {
    said = `${said}${text}`.slice(-4000)
  })
  try {
    await answering(child, port, () => said)
  } catch (error) {
    await stop(child)
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return {
    host: `127.0.0.1:${port}`,
    blobFile: (digest) => {
      const hex = digest.slice('sha256:'.length)
      return join(folder, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    },
    [Symbol.asyncDispose]: async () => {
      await stop(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A way to a server that can be made slow or cut, and counts what passes. */
export interface Relay extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Bytes that came from the server. */
  received(): number
  /** Bytes that went to the server. */
  sent(): number
  /** Ends every connection. */
  cut(): void
}

/** `bytesPerSecond` bounds both directions of each connection. */
export async function startRelay(target: string, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<Relay> {
  const [address = '', targetPort = ''] = target.split(':')
  const sockets = new Set<Socket>()
  let received = 0
  let sent = 0
  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), address)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    pass(upstream, client, bytesPerSecond, (bytes) => {
      received += bytes
    })
    pass(client, upstream, bytesPerSecond, (bytes) => {
      sent += bytes
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    host: `127.0.0.1:${portOf(server.address())}`,
    received: () => received,
    sent: () => sent,
    cut,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cut()
      }),
  }
}

function pass(from: Socket, to: Socket, bytesPerSecond: number, count: (bytes: number) => void): void {
  from.on('data', (piece: Buffer) => {
    count(piece.length)
    from.pause()
    const pause = (piece.length / bytesPerSecond) * 1000
    const goOn = () => (pause < 1 ? from.resume() : setTimeout(() => from.resume(), pause))
    if (to.write(piece)) goOn()
    else to.once('drain', goOn)
  })
  from.once('end', () => to.end())
}

const configOf = (folder: string, port: number, login: boolean): string => `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }
http: { addr: '127.0.0.1:${port}', secret: of-a-test }
${login ? `auth: { htpasswd: { realm: test, path: ${folder}/htpasswd } }` : ''}
`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server.address())
  await new Promise((resolve) => server.close(resolve))
  return port
}

const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

async function answering(child: ChildProcess, port: number, said: () => string): Promise<void> {
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}: ${said()}`)
    const status = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200 || status === 401) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`docker-registry does not answer: ${said()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
