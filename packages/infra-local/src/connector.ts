import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { namespaceFile } from './layout.ts'

/** A connection that could not be made; `code` is the system's, e.g. `ECONNREFUSED`, as of `net.connect`. */
export class ConnectFailure extends Error {
  readonly code: string
  constructor(code: string, reason: string) {
    super(reason)
    this.code = code
  }
}

interface Answer {
  readonly id: number
  readonly code?: string
  readonly reason?: string
}

/** Milliseconds after which a helper that is asked for nothing ends. */
const idleLimit = 30_000

/** A running connector.mjs and what is asked of it. */
interface Helper {
  readonly child: ChildProcess
  /** Number of the namespace it is in: under the same name there may be another by now. */
  readonly inside: number
  readonly waiting: Map<number, (answer: Answer, socket?: Socket) => void>
}

/** Makes TCP connections from inside a network namespace, through a child process that ends with this one. */
export class Connector implements Disposable {
  readonly #namespace: string
  #helper: Helper | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  /** @throws ConnectFailure; the signal's reason */
  async connect(address: string, port: number, signal: AbortSignal): Promise<Socket> {
    signal.throwIfAborted()
    const { child, waiting } = this.#started()
    this.#lastId += 1
    const id = this.#lastId
    return await new Promise<Socket>((connected, failed) => {
      const done = () => {
        waiting.delete(id)
        signal.removeEventListener('abort', giveUp)
        if (waiting.size === 0) this.#rest(child)
      }
      const giveUp = () => {
        done()
        if (child.connected) child.send({ id }, () => {})
        failed(signal.reason)
      }
      waiting.set(id, ({ code = 'EPIPE', reason = '' }, socket) => {
        done()
        if (socket === undefined) failed(new ConnectFailure(code, reason))
        else connected(socket)
      })
      signal.addEventListener('abort', giveUp, { once: true })
      clearTimeout(this.#idle)
      child.ref()
      child.channel?.ref()
      child.send({ id, address, port }, (error) => error && waiting.get(id)?.({ id, reason: error.message }))
    })
  }

  /** Connections that were made stay. */
  [Symbol.dispose](): void {
    clearTimeout(this.#idle)
    this.#helper?.child.kill('SIGKILL')
    this.#helper = undefined
  }

  /** An idle helper does not keep this process alive, and does not stay for long. */
  #rest(child: ChildProcess): void {
    child.unref()
    child.channel?.unref()
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this[Symbol.dispose](), idleLimit).unref()
  }

  #started(): Helper {
    const inside = numberOf(this.#namespace)
    if (this.#helper?.child.connected && this.#helper.inside === inside) return this.#helper
    this[Symbol.dispose]()
    this.#helper = startHelper(this.#namespace, inside)
    return this.#helper
  }
}

function startHelper(namespace: string, inside: number): Helper {
  const program = fileURLToPath(new URL('./connector.mjs', import.meta.url))
  const child = spawn('nsenter', [`--net=${namespaceFile(namespace)}`, process.execPath, program], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env.PATH }, // NODE_OPTIONS would load into it what it does not need
  })
  const waiting: Helper['waiting'] = new Map()
  child.on('message', (message, handle) => {
    const answer = message as Answer // only connector.mjs speaks on this channel
    const socket = handle instanceof Socket ? handle : undefined
    const ask = waiting.get(answer.id)
    if (ask === undefined)
      socket?.destroy() // given up meanwhile
    else ask(answer, socket)
  })
  const ended = (reason: string) => {
    for (const [id, ask] of [...waiting]) ask({ id, reason })
  }
  child.once('error', (error) => ended(error.message))
  child.once('exit', () => ended(`the namespace ${namespace} cannot be entered`))
  return { child, inside, waiting }
}

/** @throws ConnectFailure when there is no such namespace */
function numberOf(namespace: string): number {
  try {
    return statSync(namespaceFile(namespace)).ino
  } catch {
    throw new ConnectFailure('ENETDOWN', `there is no network namespace ${namespace}: its hosts are stopped`)
  }
}
