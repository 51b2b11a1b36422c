import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { errors, SealerError } from '../errors.ts'
import type { Channel, Exit, OpenOptions, Shell } from './channel.ts'
import type { HostSpec, SshAccess, TerminalSize, TerminalWindow } from './host.ts'
import { plainText } from './output-lines.ts'
import type { LoginOptions } from './ssh-login.ts'
import { Turns } from './turns.ts'

/** sshd takes 10 sessions a connection (MaxSessions); two are left for ending others. */
const sessionsAtOnce = 8

/** The shell of a far host over one connection, which is made when first used, and made again when it was lost. */
export class SshShell implements Shell {
  readonly #host: HostSpec
  readonly #access: SshAccess
  readonly #options: LoginOptions
  readonly #turns = new Turns(sessionsAtOnce)
  /** Sessions that are opened or open, each until its end. */
  readonly #underWay = new Set<Promise<void>>()
  /** Ends attempts to connect that nobody waits for any more. */
  readonly #gone = new AbortController()
  #connection: Promise<Client> | undefined
  #closed = false

  constructor(host: HostSpec, access: SshAccess, options: LoginOptions) {
    this.#host = host
    this.#access = access
    this.#options = options
  }

  async open(line: string, { urgent = false, ...options }: OpenOptions = {}): Promise<Channel> {
    const done = urgent ? () => {} : await this.#turns.take(options.signal)
    try {
      const { stream, ended } = await this.#session(line, options)
      ended.then(done)
      const resize = ({ columns, rows }: TerminalSize) => stream.setWindow(rows, columns, 0, 0)
      return { stdin: stream, stdout: stream, stderr: stream.stderr, ended, resize, close: () => stream.close() }
    } catch (error) {
      done()
      throw error
    }
  }

  /** A site may allow fewer sessions than we think: then the next one waits for one of ours to end. */
  async #session(line: string, { signal, terminal }: OpenOptions): Promise<Session> {
    for (;;) {
      signal?.throwIfAborted()
      const opening = this.#withClient((client) => exec(client, line, terminal))
      const over = opening
        .then(({ ended }) => ended)
        .then(
          () => {},
          () => {},
        )
      this.#underWay.add(over)
      over.then(() => this.#underWay.delete(over))
      try {
        return await opening
      } catch (cause) {
        this.#underWay.delete(over)
        if (SealerError.is(cause)) throw cause
        if (!isRefusal(cause) || this.#underWay.size === 0) throw this.#opensNothing(cause as Error)
        await Promise.race(this.#underWay)
      }
    }
  }

  #opensNothing(cause: Error): SealerError {
    const address = `${this.#host.address}:${this.#access.port}`
    return errors.HOST_UNREACHABLE(
      { host: this.#host.name, address, reason: `it opens no session: ${plainText(cause.message)}` },
      { cause },
    )
  }

  async connect(port: number, address: string): Promise<Duplex> {
    try {
      return await this.#withClient((client) => forward(client, port, address))
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      throw errors.PORT_UNREACHABLE({ host: this.#host.name, port, reason: (cause as Error).message }, { cause })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#gone.abort(new Error(`The connection to ${this.#host.name} is closed.`))
    const client = await this.#connection?.catch(() => undefined)
    client?.end()
    if (client !== undefined) await closeOf(client)
  }

  /** A connection that turns out to be dead before anything has begun is made again, once. */
  async #withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const connection = this.#connect()
    const client = await connection
    try {
      return await use(client)
    } catch (error) {
      if (!isLost(error)) throw error
      if (this.#connection === connection) this.#connection = undefined
      client.destroy()
      return await use(await this.#connect())
    }
  }

  #connect(): Promise<Client> {
    if (this.#closed) throw new Error(`The connection to ${this.#host.name} is closed.`)
    if (this.#connection !== undefined) return this.#connection
    const signals = [this.#gone.signal, this.#options.signal].filter((signal) => signal !== undefined)
    const options = { ...this.#options, signal: AbortSignal.any(signals) }
    const connection = import('./ssh-login.ts') // who meets no far host never loads SSH
      .then(({ logIn }) => logIn(this.#host, this.#access, options))
    const forget = () => {
      if (this.#connection === connection) this.#connection = undefined
    }
    this.#connection = connection
    connection.then((client) => client.once('close', forget), forget)
    return connection
  }
}

interface Session {
  readonly stream: ClientChannel
  readonly ended: Promise<Exit>
}

// The end of a quick command may arrive in the same packet as its beginning: it is listened for at once, not after an await.
const exec = (client: Client, line: string, terminal: TerminalWindow | undefined): Promise<Session> =>
  new Promise((opened, failed) => {
    client.exec(line, pseudoTerminal(terminal), (error, stream) =>
      error === undefined ? opened({ stream, ended: endOf(stream) }) : failed(error),
    )
  })

const pseudoTerminal = (terminal: TerminalWindow | undefined) =>
  terminal === undefined
    ? {}
    : { pty: { term: terminal.type, cols: terminal.size().columns, rows: terminal.size().rows, width: 0, height: 0 } }

const forward = (client: Client, port: number, address: string): Promise<Duplex> =>
  new Promise((opened, failed) => {
    client.forwardOut('127.0.0.1', 0, address, port, (error, stream) =>
      error === undefined ? opened(stream) : failed(error),
    )
  })

const endOf = (stream: ClientChannel): Promise<Exit> =>
  new Promise((ended) => {
    let exit: Exit = { code: undefined, signal: undefined }
    stream.on('exit', (code: number | null, signal?: string) => {
      exit = { code: code ?? undefined, signal: signal?.replace(/^SIG/, '') }
    })
    stream.on('close', () => ended(exit))
  })

/** A host that is gone never says goodbye, and after `end` ssh2's own `destroy` does nothing: its socket must go. */
const closeOf = (client: Client): Promise<void> =>
  new Promise((closed) => {
    const timer = setTimeout(() => (client as Client & { readonly _sock?: Duplex })._sock?.destroy(), 2_000)
    client.once('close', () => {
      clearTimeout(timer)
      closed()
    })
  })

/** The host has answered, and says no: RFC 4254, 5.1. */
const isRefusal = (error: unknown): boolean => (error as { reason?: unknown }).reason !== undefined

/** Nobody has answered: the connection is gone, what was asked for has not begun. */
const isLost = (error: unknown): boolean => /not connected|no response from server/i.test((error as Error).message)
