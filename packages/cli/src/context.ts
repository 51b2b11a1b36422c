import type { Readable, Writable } from 'node:stream'
import type { Sealer, TerminalWindow, Wish } from '@sealer/core'

/** How a command answers: text for people, or JSON (one document; a run gives one event a line first). */
export type Format = 'text' | 'json'

/** What a command needs a sealer for. */
export interface SealerRequest {
  /** Names the plugins, the runtime and the infrastructure that have to be there. */
  readonly wish?: Wish
  /** A cluster made before: its runtime and infrastructure have to be there. */
  readonly cluster?: string
  /** Further plugins of the site, by package name. */
  readonly plugins?: readonly string[]
  readonly acceptNewHostKeys?: boolean
}

/** The terminal, or what stands in for it. */
export interface Terminal {
  /** Somebody can be asked: standard input and standard error are terminals. */
  readonly interactive: boolean
  /** Standard error can be redrawn. */
  readonly live: boolean
  /** Characters a line holds. */
  readonly columns: number
  readonly stdin: Readable
  /** To hand on to a program elsewhere; absent where standard input or output is none. */
  readonly window?: OwnWindow
  /** Where answers go as bytes, at the pace of who reads them. */
  readonly output: Writable & { readonly isTTY?: boolean }
  /** Answers. */
  stdout(text: string | Uint8Array): void
  /** Everything else: progress, warnings, errors. Replaced while a region of the screen is redrawn. */
  stderr: (text: string | Uint8Array) => void
}

/** The window of this process. */
export interface OwnWindow extends TerminalWindow {
  /** Whether keys go on as they are typed, Ctrl-C too, or lines are edited here first. */
  raw(on: boolean): void
}

/** Questions to whoever sits at the terminal. Refused where there is nobody. */
export interface Questions {
  /** @throws NOBODY_TO_ASK, DECLINED */
  password(what: string): Promise<string>
  /** @throws NOBODY_TO_ASK */
  confirm(what: string): Promise<boolean>
}

/** All that a command touches of the world around it; tests give their own. */
export interface CliContext {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  /** Folder of everything that is kept: `SEALER_HOME`, or `~/.sealer`. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  readonly questions: Questions
  /** Opens sealer with the plugins that the request needs; the caller closes it. */
  openSealer(request: SealerRequest): Promise<Sealer>
  /** Takes secrets out of a text before it is shown. */
  mask(text: string): string
  /** Set from `--output` before a command acts. */
  format: Format
  /** Set from `--color`; by itself on a terminal, unless `NO_COLOR` is set. */
  colour: boolean
  /** Set by `--debug`: bugs and failures show where they came from. */
  debug: boolean
  /** Set by `--insecure-unsigned`: images that lack a signature of a trusted key are used all the same. */
  insecureUnsigned: boolean
  /** What the process ends with when nothing fails: a command that passes another one through hands its exit code on. */
  exitCode: number
}

/** Answers with data: JSON as asked for, or the text made of it. */
export function print<Data>(context: CliContext, data: Data, text: (data: Data) => string): void {
  const answer = context.format === 'json' ? JSON.stringify(data, undefined, 2) : text(data)
  if (answer !== '') context.terminal.stdout(answer.endsWith('\n') ? answer : `${answer}\n`)
}

/** Says something beside the answer. */
export function warn(context: CliContext, message: string): void {
  context.terminal.stderr(`! ${context.mask(message)}\n`)
}
