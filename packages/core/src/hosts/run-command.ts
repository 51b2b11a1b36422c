import type { Readable } from 'node:stream'
import { errors } from '../errors.ts'
import type { Secrets } from '../secrets.ts'
import { AfterMark } from './after-mark.ts'
import type { Channel, Exit, Shell } from './channel.ts'
import { type CommandLine, commandLine } from './command-line.ts'
import { feed } from './feed.ts'
import type { Command, Output } from './host.ts'
import { lineCutter, plainText, Tail } from './output-lines.ts'
import { quoteAll } from './quote.ts'
import { sudoAnswer, sudoFailed } from './sudo.ts'

/** Where and as whom commands run. */
export interface Runner {
  /** Name of the host, for errors. */
  readonly host: string
  readonly address: string
  readonly shell: Shell
  readonly secrets: Secrets
  /** How the login becomes root; absent: it is. */
  readonly sudo?: SudoAccess
  /** The process of the host with which its commands end; absent: the sshd of each one's session. */
  readonly keeper?: number
}

export interface SudoAccess {
  readonly user: string
  /** Asked for only when sudo wants it. */
  readonly password?: () => Promise<string>
}

/** Bytes of output that are kept in memory; who expects more gives `Command.output`. */
const mostCollected = 64 * 1024 * 1024
const longestShown = 400
/** Milliseconds that sudo may take until the command begins: it may look up names. */
const sudoLimit = 60_000
/** Milliseconds that ending a command may take before it is let go. */
const endLimit = 5_000

/**
 * Runs a command as root and waits for its end. An abort ends its whole process group, then throws the signal's reason.
 * @throws COMMAND_FAILED, SUDO_FAILED, and what `Shell.open` throws
 */
export async function runCommand(command: Command, runner: Runner): Promise<Output> {
  command.signal?.throwIfAborted()
  const line = commandLine(command, lineOptions(runner))
  const channel = await runner.shell.open(line.line, command.signal === undefined ? {} : { signal: command.signal })
  return await new RunningCommand(command, line, channel, runner).result()
}

class RunningCommand {
  readonly #command: Command
  readonly #line: CommandLine
  readonly #channel: Channel
  readonly #runner: Runner
  readonly #stdout: AfterMark
  readonly #stderr: AfterMark
  readonly #kept = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 }
  readonly #tail = new Tail()
  readonly #begun: Promise<void>
  #begin: () => void = () => {}
  #stop: (reason: unknown) => void = () => {}
  /** Resolves when `output` has taken what it was given last. */
  #handedOn: Promise<void> = Promise.resolve()
  /** Up to where sudo's talk has been answered. */
  #answered = 0

  constructor(command: Command, line: CommandLine, channel: Channel, runner: Runner) {
    this.#command = command
    this.#line = line
    this.#channel = channel
    this.#runner = runner
    this.#stdout = new AfterMark(line.mark)
    this.#stderr = new AfterMark(line.mark)
    this.#begun = new Promise((begin) => {
      this.#begin = begin
    })
  }

  async result(): Promise<Output> {
    const { signal } = this.#command
    const stopped = new Promise<never>((_, stop) => {
      this.#stop = stop
    })
    const abort = () => this.#stop(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    const watchdog = this.#watchSudo()
    try {
      const ends = [
        this.#read('stdout', this.#channel.stdout, this.#stdout),
        this.#read('stderr', this.#channel.stderr, this.#stderr),
      ]
      this.#give().catch(this.#stop)
      const exit = await Promise.race([this.#channel.ended, stopped]).catch((reason) => this.#end(reason))
      await Promise.race([this.#handedOn, stopped])
      for (const end of ends) end()
      return this.#judge(exit)
    } finally {
      clearTimeout(watchdog)
      signal?.removeEventListener('abort', abort)
      this.#channel.close()
    }
  }

  /** Input goes in once nothing before the command can take it. */
  async #give(): Promise<void> {
    if (this.#runner.sudo !== undefined) await this.#begun
    await feed(this.#channel.stdin, this.#command.input)
  }

  #read(name: 'stdout' | 'stderr', stream: Readable, after: AfterMark): () => void {
    const { onLine, output } = this.#command
    const lines = lineCutter((line) => {
      this.#tail.add(line)
      onLine?.(line, name)
    })
    stream.on('error', () => {}) // shows as the channel's end
    stream.on('data', (chunk: Buffer) => {
      const payload = after.take(chunk)
      if (name === 'stderr') this.#hear()
      if (payload.length === 0) return
      if (name === 'stdout' && output !== undefined) {
        let hasRoom = true
        this.#handedOn = new Promise((taken) => {
          hasRoom = output.write(payload, () => taken())
        })
        if (hasRoom) return
        stream.pause()
        output.once('drain', () => stream.resume())
        return
      }
      this.#keep(name, payload)
      try {
        lines.take(payload)
      } catch (error) {
        this.#stop(error) // thrown by the caller's onLine
      }
    })
    if (name === 'stdout') output?.once('error', this.#stop)
    return lines.end
  }

  #keep(name: 'stdout' | 'stderr', payload: Buffer): void {
    this.#kept.bytes += payload.length
    if (this.#kept.bytes <= mostCollected) this.#kept[name].push(payload)
    else this.#stop(new Error(`${this.#runner.host}: "${this.#shown()}" writes more than ${mostCollected >> 20} MiB.`))
  }

  /** Looks at what standard error says before the command begins. */
  #hear(): void {
    if (this.#stderr.line !== undefined) this.#begin()
    if (this.#stderr.line !== undefined || this.#runner.sudo === undefined) return
    const said = this.#stderr.before
    const sudoBegins = said.indexOf(this.#line.sudoMark)
    if (sudoBegins < 0) return // login scripts may say what they like: a password is for sudo alone
    const open = said.slice(Math.max(this.#answered, sudoBegins))
    // PAM modules of a site may bring a prompt of their own.
    if (!open.includes(this.#line.prompt) && !/(password|passcode)[^\n]*:[ \t]*$/i.test(open)) return
    const again = this.#answered > 0
    this.#answered = said.length
    this.#answerSudo(again).catch(this.#stop)
  }

  async #answerSudo(again: boolean): Promise<void> {
    this.#channel.stdin.write(await sudoAnswer(this.#runner, again))
  }

  #watchSudo(): NodeJS.Timeout | undefined {
    if (this.#runner.sudo === undefined) return undefined
    const timer = setTimeout(
      () => this.#stop(sudoFailed(this.#runner, `sudo does not begin: ${this.#talk()}`)),
      sudoLimit,
    )
    this.#begun.then(() => clearTimeout(timer))
    return timer.unref()
  }

  /** What was said before the command began. */
  #talk(): string {
    const text = plainText(this.#stderr.before)
      .replaceAll(this.#line.prompt, '')
      .replace(this.#line.sudoMark, '')
      .trim()
    return this.#runner.secrets.mask(text).slice(-longestShown)
  }

  #judge({ code, signal }: Exit): Output {
    const { host, address, sudo, secrets } = this.#runner
    if (code === undefined && signal === undefined) {
      const reason = `the connection was lost while "${this.#shown()}" ran`
      throw errors.HOST_UNREACHABLE({ host, address, reason })
    }
    const begun = this.#stderr.line !== undefined
    if (!begun && sudo !== undefined) throw sudoFailed(this.#runner, this.#talk())
    if (code !== undefined && (this.#command.accept ?? [0]).includes(code) && begun) {
      return { stdout: textOf(this.#kept.stdout), stderr: textOf(this.#kept.stderr), exitCode: code }
    }
    const killed = signal === undefined ? [] : [`killed by SIG${plainText(signal)}`]
    const output = [begun ? this.#tail.text(secrets.mask) : this.#talk(), ...killed]
      .filter((text) => text !== '')
      .join('\n')
    throw errors.COMMAND_FAILED({ host, command: this.#shown(), exitCode: code, output })
  }

  #shown(): string {
    const text = this.#runner.secrets.mask(quoteAll(this.#command.argv))
    return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
  }

  /** Ends the process group on the host, then throws the reason. What has started a session of its own (a service) stays. */
  async #end(reason: unknown): Promise<never> {
    const group = this.#stderr.line ?? ''
    if (/^\d+$/.test(group) && Number(group) > 1) await this.#endGroup(group)
    throw reason
  }

  async #endGroup(group: string): Promise<void> {
    const { shell, sudo } = this.#runner
    const argv = ['sh', '-c', endGroup, 'sh', group]
    const { line, prompt, mark } = commandLine({ argv }, lineOptions(this.#runner))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, endLimit)
    })
    const ending = async () => {
      const channel = await shell.open(line, { urgent: true })
      const said = new AfterMark(mark)
      channel.stdout.resume()
      channel.stderr.on('data', (chunk: Buffer) => {
        said.take(chunk)
        if (!said.before.includes(prompt)) return
        sudo?.password?.().then(
          (password) => channel.stdin.end(`${password}\n`),
          () => channel.close(),
        )
      })
      await Promise.race([channel.ended, late])
      channel.close()
    }
    await Promise.race([ending().catch(() => {}), late])
    clearTimeout(timer)
  }
}

/** What of a runner its command lines depend on. */
export const lineOptions = ({ sudo, keeper }: Runner) => ({ sudo: sudo !== undefined, keeper })

/** Asks a process group to end, and after two seconds makes it. No `--`: the `kill` of some shells does not know it. */
const endGroup = `kill -TERM "-$1" || exit 0
i=0
while [ $i -lt 20 ] && kill -0 "-$1"; do sleep 0.1; i=$((i + 1)); done
kill -KILL "-$1"`

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8')
