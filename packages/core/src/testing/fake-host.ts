import { createHash } from 'node:crypto'
import { Duplex, type Readable } from 'node:stream'
import { errors } from '../errors.ts'
import type { Command, Host, HostFacts, HostSpec, Output } from '../hosts/host.ts'
import { quoteAll } from '../hosts/quote.ts'
import { defaultFacts } from './default-facts.ts'

/** What a fake host says to a command: text for standard output, or more. */
export type Answer = string | Partial<Output>
/** An answer that depends on the command, or changes the host as the command would. */
export type Answerer = (command: string, host: FakeHost) => Answer | Promise<Answer>

export interface FakeHostOptions {
  readonly address?: string
  /** What differs from a bare x86 Debian, e.g. `{ platform: { os: 'linux', architecture: 'arm64' } }`. */
  readonly facts?: Partial<HostFacts>
  readonly spec?: Partial<HostSpec>
}

/** A host without a machine: answers by pattern, keeps files, and records what it was asked and told. */
export interface FakeHost extends Host {
  /** Commands that may change something, as one line each, in order. */
  readonly commands: readonly string[]
  /** Commands that only asked. */
  readonly asked: readonly string[]
  /** Path → content. */
  readonly files: Map<string, string>
  /** Path → permission bits of what `write` has written. */
  readonly modes: ReadonlyMap<string, number>
  /** Input of commands, whole. */
  readonly sent: readonly { readonly command: string; readonly input: Buffer }[]
  /** Environment variables of commands. */
  readonly envs: readonly { readonly command: string; readonly env: Readonly<Record<string, string>> }[]
  /** Says what a command answers. The newest pattern that fits wins; without one a command succeeds and says nothing. */
  answer(pattern: RegExp | string, answer: Answer | Answerer): this
  /** From now on nothing reaches it. */
  die(): this
  revive(): this
}

/** @param name a DNS label; the address follows from it where none is given */
export function fakeHost(name: string, roles: readonly string[] = ['node'], options: FakeHostOptions = {}): FakeHost {
  return new Fake(name, roles, options)
}

class Fake implements FakeHost {
  readonly spec: HostSpec
  readonly commands: string[] = []
  readonly asked: string[] = []
  readonly files = new Map<string, string>()
  readonly modes = new Map<string, number>()
  readonly sent: { command: string; input: Buffer }[] = []
  readonly envs: { command: string; env: Readonly<Record<string, string>> }[] = []
  readonly #facts: HostFacts
  readonly #answers: { pattern: RegExp | string; answer: Answer | Answerer }[] = []
  #dead = false

  constructor(
    name: string,
    roles: readonly string[],
    { address = addressOf(name), facts = {}, spec = {} }: FakeHostOptions,
  ) {
    this.spec = { name, address, roles, ssh: { user: 'root', port: 22 }, ...spec }
    const machineId = createHash('md5').update(name).digest('hex')
    this.#facts = { ...defaultFacts, hostname: name, machineId, addresses: [address], ...facts }
    this.answer(/^rm -/, (command) => this.#remove(command))
  }

  get name(): string {
    return this.spec.name
  }

  get address(): string {
    return this.spec.address
  }

  get roles(): readonly string[] {
    return this.spec.roles
  }

  answer(pattern: RegExp | string, answer: Answer | Answerer): this {
    this.#answers.unshift({ pattern, answer })
    return this
  }

  die(): this {
    this.#dead = true
    return this
  }

  revive(): this {
    this.#dead = false
    return this
  }

  async facts(): Promise<HostFacts> {
    this.#reach()
    return this.#facts
  }

  async ask(...argv: string[]): Promise<string> {
    return withoutLineEnd((await this.inquire({ argv })).stdout)
  }

  async inquire(command: Command): Promise<Output> {
    return await this.#perform(command, this.asked)
  }

  async has(path: string): Promise<boolean> {
    this.#reach()
    const folder = `${path.replace(/\/+$/, '')}/`
    return this.files.has(path) || [...this.files.keys()].some((file) => file.startsWith(folder))
  }

  async read(path: string): Promise<string | undefined> {
    this.#reach()
    return this.files.get(path)
  }

  async exec(...argv: string[]): Promise<string> {
    return withoutLineEnd((await this.run({ argv })).stdout)
  }

  async run(command: Command): Promise<Output> {
    return await this.#perform(command, this.commands)
  }

  async write(path: string, content: string | Buffer, { mode = 0o644 }: { mode?: number } = {}): Promise<void> {
    this.#reach()
    this.files.set(path, content.toString())
    this.modes.set(path, mode)
  }

  async send(source: Readable, ...argv: string[]): Promise<void> {
    await this.run({ argv, input: source })
  }

  async connect(): Promise<Duplex> {
    this.#reach()
    return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  }

  async #perform(command: Command, record: string[]): Promise<Output> {
    this.#reach()
    command.signal?.throwIfAborted()
    const line = quoteAll(command.argv)
    record.push(line)
    if (command.env !== undefined) this.envs.push({ command: line, env: command.env })
    if (command.input !== undefined) this.sent.push({ command: line, input: await whole(command.input) })
    const output = await this.#outputOf(line)
    return this.#deliver(command, line, output)
  }

  async #outputOf(line: string): Promise<Output> {
    const found = this.#answers.find(({ pattern }) =>
      typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line),
    )
    const given = typeof found?.answer === 'function' ? await found.answer(line, this) : (found?.answer ?? '')
    return { stdout: '', stderr: '', exitCode: 0, ...(typeof given === 'string' ? { stdout: given } : given) }
  }

  #deliver({ onLine, output, accept = [0] }: Command, line: string, answer: Output): Output {
    const { stdout, stderr, exitCode } = answer
    for (const text of linesOf(stdout)) if (output === undefined) onLine?.(text, 'stdout')
    for (const text of linesOf(stderr)) onLine?.(text, 'stderr')
    if (!accept.includes(exitCode)) {
      throw errors.COMMAND_FAILED({ host: this.name, command: line, exitCode, output: (stderr || stdout).trim() })
    }
    if (output === undefined) return answer
    output.write(stdout)
    return { ...answer, stdout: '' }
  }

  #remove(command: string): string {
    for (const path of command.split(' ').filter((word) => word.startsWith('/'))) {
      for (const file of this.files.keys()) {
        if (file === path || file.startsWith(`${path}/`)) this.files.delete(file)
      }
    }
    return ''
  }

  #reach(): void {
    if (!this.#dead) return
    throw errors.HOST_UNREACHABLE({ host: this.name, address: this.address, reason: 'it does not answer' })
  }
}

/** The same name has the same address; documentation range of RFC 5737. */
const addressOf = (name: string): string => `192.0.2.${((createHash('md5').update(name).digest()[0] ?? 0) % 254) + 1}`

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '')
const linesOf = (text: string): string[] => (text === '' ? [] : withoutLineEnd(text).split('\n'))

async function whole(input: string | Buffer | Readable): Promise<Buffer> {
  if (typeof input === 'string' || Buffer.isBuffer(input)) return Buffer.from(input)
  const chunks: Buffer[] = []
  for await (const chunk of input) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
