import { errors } from '../errors.ts'
import { AfterMark } from './after-mark.ts'
import { commandLine } from './command-line.ts'
import type { Command, Output, TerminalWindow } from './host.ts'
import { plainText } from './output-lines.ts'
import { quoteAll } from './quote.ts'
import { lineOptions, type Runner } from './run-command.ts'
import { sudoAnswer, sudoFailed } from './sudo.ts'

/** A command for somebody who sits before it: bytes go both ways as they are, and both streams of output are one. */
export interface TerminalCommand extends Command {
  readonly terminal: TerminalWindow
}

/**
 * Runs a command as root with a terminal of its own on the host. Every exit code is an answer: the person has seen what it was about.
 * @throws SUDO_FAILED, HOST_UNREACHABLE when the connection is lost, and what `Shell.open` throws
 */
export async function runInTerminal(command: TerminalCommand, runner: Runner): Promise<Output> {
  const { terminal, input, output, signal } = command
  signal?.throwIfAborted()
  const line = commandLine(command, lineOptions(runner))
  const channel = await runner.shell.open(line.line, { terminal, ...(signal === undefined ? {} : { signal }) })
  const talk = new AfterMark(line.mark)
  const beginning = new AfterMark(line.mark) // that of standard error, which a terminal mixes in
  const answerSudo = sudoAnswerer(runner, line.prompt, (text) => channel.stdin.write(text))
  const type = (chunk: Buffer) => void channel.stdin.write(chunk)
  const begin = () => {
    terminal.begins?.()
    if (typeof input === 'object' && 'on' in input) input.on('data', type)
  }
  const failure = new Promise<never>((_, fail) => {
    signal?.addEventListener('abort', () => fail(signal.reason), { once: true })
    channel.stdin.on('error', () => {}) // shows as the channel's end
    channel.stdout.on('data', (chunk: Buffer) => {
      const begun = beginning.line !== undefined
      const payload = beginning.take(talk.take(chunk))
      if (beginning.line === undefined) answerSudo(talk.before).catch(fail)
      else if (!begun) begin()
      if (payload.length > 0) output?.write(payload)
    })
  })
  const forget = terminal.onResize(() => channel.resize?.(terminal.size()))
  try {
    const { code, signal: killed } = await Promise.race([channel.ended, failure])
    if (code !== undefined && beginning.line !== undefined) return { stdout: '', stderr: '', exitCode: code }
    const { host, address } = runner
    if (runner.sudo !== undefined && beginning.line === undefined) {
      throw sudoFailed(runner, runner.secrets.mask(plainText(talk.before)))
    }
    const shown = runner.secrets.mask(quoteAll(command.argv))
    if (code === undefined && killed === undefined) {
      throw errors.HOST_UNREACHABLE({ host, address, reason: `the connection was lost while "${shown}" ran` })
    }
    throw errors.COMMAND_FAILED({ host, command: shown, exitCode: code, output: killed ?? plainText(talk.before) })
  } finally {
    forget()
    if (typeof input === 'object' && 'off' in input) input.off('data', type).pause()
    channel.close()
  }
}

/** Answers sudo's prompt once; a second one means that the password is wrong. */
function sudoAnswerer(runner: Runner, prompt: string, answer: (text: string) => void) {
  let answered = false
  return async (said: string): Promise<void> => {
    const prompts = said.split(prompt).length - 1
    if (runner.sudo === undefined || prompts === 0 || (answered && prompts === 1)) return
    const again = answered
    answered = true
    answer(await sudoAnswer(runner, again))
  }
}
