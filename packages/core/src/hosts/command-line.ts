import { randomBytes } from 'node:crypto'
import type { Command } from './host.ts'
import { lifeline } from './lifeline.ts'
import { exports, quote, quoteAll } from './quote.ts'

/** A command as one line for a shell, and what tells that it has begun. */
export interface CommandLine {
  readonly line: string
  /** First line of the command's output on both streams. What came before is talk of login scripts and of sudo. */
  readonly mark: string
  /** On standard error when login scripts have had their say and sudo begins. */
  readonly sudoMark: string
  /** What sudo writes when it wants the password. */
  readonly prompt: string
}

export interface LineOptions {
  /** Whether the login has to become root. */
  readonly sudo: boolean
  /** The process with which the command ends; absent: the sshd of its session. */
  readonly keeper?: number | undefined
}

/** Longest single argument that Linux takes (MAX_ARG_STRLEN), less room for what sshd and the login shell add. */
const longestLine = 120 * 1024

/** Messages that can be read, and the folders that a login without a login shell lacks. */
const preamble = 'export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'

/**
 * Wraps a command so that its exact streams and its process group are known, whatever the login shell says first. The mark on standard error is
 * followed by the process group; marks are written in two halves, so that a shell which repeats the line does not repeat them.
 */
export function commandLine(
  { argv, env = {}, cwd }: Omit<Command, 'signal'>,
  { sudo, keeper }: LineOptions,
): CommandLine {
  if (argv.length === 0) throw new Error('A command needs at least a program.')
  const mark = splitWord()
  const sudoMark = splitWord()
  const prompt = `[sealer ${word()}]`
  const script = [
    `echo ${mark.split}`,
    'read -r pid name state parent group rest </proc/$$/stat',
    `echo ${mark.split} "$group" >&2`,
    lifeline(keeper),
    preamble,
    exports(env),
    cwd === undefined ? '' : `cd -- ${quote(cwd)} || exit`,
    'exec "$@"',
  ]
  const become = sudo ? ['sudo', '-S', '-p', prompt, '--'] : []
  const words = [...become, 'sh', '-c', script.filter((line) => line !== '').join('\n'), 'sh', ...argv]
  const line = `${sudo ? `echo ${sudoMark.split} >&2; ` : ''}exec ${quoteAll(words)}`
  if (line.length > longestLine) throw new Error(`The command line of ${argv[0]} is too long; send the data as input.`)
  return { line, mark: mark.whole, sudoMark: sudoMark.whole, prompt }
}

const word = () => randomBytes(8).toString('hex')

/** A word, and how to write it for a shell so that the word itself is not in the text. */
function splitWord(): { readonly whole: string; readonly split: string } {
  const [half, other] = [word(), word()]
  return { whole: half + other, split: `${half}''${other}` }
}
