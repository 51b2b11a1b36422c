import { createHash } from 'node:crypto'
import type { Duplex, Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import type { Command, FileOptions, Host, HostFacts, HostSpec, Output } from './host.ts'
import { readFacts } from './read-facts.ts'
import { type Runner, runCommand } from './run-command.ts'
import { runInTerminal } from './terminal-command.ts'

const absentFile = 44

/** A host behind a shell: everything it can do is a command. */
export class ShellHost implements Host {
  readonly spec: HostSpec
  readonly #runner: Runner
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #facts: Promise<HostFacts> | undefined

  constructor(spec: HostSpec, runner: Runner, clock: Clock, signal?: AbortSignal) {
    this.spec = spec
    this.#runner = runner
    this.#clock = clock
    this.#signal = signal
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

  facts(): Promise<HostFacts> {
    this.#facts ??= readFacts(this, this.#clock).catch((error: unknown) => {
      this.#facts = undefined // a later question may be answered
      throw error
    })
    return this.#facts
  }

  async ask(...argv: string[]): Promise<string> {
    return withoutLineEnd((await this.run({ argv })).stdout)
  }

  inquire(command: Command): Promise<Output> {
    return this.run(command)
  }

  async has(path: string): Promise<boolean> {
    const argv = ['sh', '-c', '[ -e "$1" ] || [ -L "$1" ]', 'sh', path]
    return (await this.run({ argv, accept: [0, 1] })).exitCode === 0
  }

  async read(path: string): Promise<string | undefined> {
    const argv = ['sh', '-c', `[ -e "$1" ] || exit ${absentFile}; exec cat -- "$1"`, 'sh', path]
    const { stdout, exitCode } = await this.run({ argv, accept: [0, absentFile] })
    return exitCode === absentFile ? undefined : stdout
  }

  async exec(...argv: string[]): Promise<string> {
    return withoutLineEnd((await this.run({ argv })).stdout)
  }

  run(command: Command): Promise<Output> {
    const signals = [this.#signal, command.signal].filter((signal) => signal !== undefined)
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0]
    const { terminal, ...rest } = signal === undefined ? command : { ...command, signal }
    return terminal === undefined ? runCommand(rest, this.#runner) : runInTerminal({ ...rest, terminal }, this.#runner)
  }

  async write(path: string, content: string | Buffer, { mode = 0o644 }: FileOptions = {}): Promise<void> {
    if (!path.startsWith('/')) throw new Error(`A path on a host begins with a slash: ${path}`)
    const sum = createHash('sha256').update(content).digest('hex')
    await this.run({ argv: ['sh', '-c', writeFile, 'sh', path, mode.toString(8), sum], input: content })
  }

  async send(source: Readable, ...argv: string[]): Promise<void> {
    await this.run({ argv, input: source })
  }

  connect(port: number, address = '127.0.0.1'): Promise<Duplex> {
    return this.#runner.shell.connect(port, address)
  }
}

/**
 * Writes standard input to $1 with mode $2; $3 is its sha256. Verified before it takes its place: when the connection breaks, `cat` sees
 * an end as after the whole.
 */
const writeFile = `set -eu
sum() { sha256sum <"$1" | cut -c1-64; }
if [ -f "$1" ] && [ "$(sum "$1")" = "$3" ]; then
  [ "$(stat -L -c %a "$1")" = "$2" ] || chmod "$2" "$1"
  exit 0
fi
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
mkdir -p "$(dirname "$1")"
umask 077
temp=$(mktemp "$1.XXXXXX")
trap 'rm -f "$temp"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$temp"
[ "$(sum "$temp")" = "$3" ] || { echo "$1 arrived damaged" >&2; exit 1; }
chmod "$2" "$temp"
sync "$temp" 2>/dev/null || sync
mv -f "$temp" "$1"`

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '')
