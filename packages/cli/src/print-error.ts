import colours from 'picocolors'
import { exitCodes } from './exit-codes.ts'
import { printable } from './printable.ts'

/** What an aborted signal throws. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

/** How an error is shown. */
export interface ErrorStyle {
  readonly colour: boolean
  /** Takes secrets out. */
  readonly mask: (text: string) => string
  /** Where each failure came from, too. */
  readonly debug?: boolean
}

interface Actionable extends Error {
  readonly code: string
  readonly hint: string
  readonly source?: string
  readonly problems?: readonly Error[]
}

/** By name, as `SealerError.is`, which would load all of core to print a misspelt option. */
const isActionable = (error: unknown): error is Actionable =>
  error instanceof Error && error.name === 'SealerError' && 'code' in error && 'hint' in error

type Paint = ReturnType<typeof colours.createColors>

/** The tree of an error: what happened and why, what to try, then what lies below it. A bug is shown with its stack. */
export function errorText(error: unknown, { colour, mask, debug = false }: ErrorStyle): string {
  const tree = new ErrorTree(colours.createColors(colour), debug)
  return `${mask(tree.lines(error, '').join('\n'))}\n`
}

class ErrorTree {
  readonly #paint: Paint
  readonly #debug: boolean
  /** Each page is named once. */
  readonly #pages = new Set<string>()

  constructor(paint: Paint, debug: boolean) {
    this.#paint = paint
    this.#debug = debug
  }

  lines(error: unknown, indent: string): string[] {
    const cross = this.#paint.red('✗')
    const { bold } = this.#paint
    const deeper = `${indent}  `
    const below = (errors: readonly unknown[]) => errors.flatMap((one) => this.lines(one, deeper))
    if (isActionable(error))
      return [...this.#actionable(error, indent), ...below(error.problems ?? []), ...this.#cause(error, deeper)]
    if (error instanceof AggregateError) return [`${indent}${cross} ${bold(error.message)}`, ...below(error.errors)]
    if (error instanceof Error && isActionable(error.cause))
      return [`${indent}${cross} ${error.message}`, ...below([error.cause])]
    if (isAbort(error)) return [`${indent}${cross} Stopped on request.`]
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return [
      `${indent}${cross} ${bold('This is a defect of sealer or of a plugin:')}`,
      ...stack.split('\n').map((line) => `${deeper}${line}`),
      `${deeper}${this.#paint.cyan('Try:')} Report it with the lines above and the output of: sealer version`,
    ]
  }

  #actionable(error: Actionable, indent: string): string[] {
    const { red, bold, dim, cyan } = this.#paint
    const [first = '', ...rest] = printable(error.message).split('\n')
    const [hint = '', ...hints] = printable(error.hint).split('\n')
    const page = `docs/reference/errors.md#${error.code.toLowerCase()}`
    const told = this.#pages.has(page) || (error.problems ?? []).length > 0
    this.#pages.add(page)
    return [
      `${indent}${red('✗')} ${bold(first)}  ${dim(error.code)}`,
      ...rest.map((line) => `${indent}  ${line}`),
      ...(hint === '' ? [] : [`${indent}  ${cyan('Try:')} ${hint}`]),
      ...hints.map((line) => `${indent}       ${line}`),
      ...(told ? [] : [`${indent}  ${dim(`Docs: ${page}`)}`]),
    ]
  }

  /** What can be acted on below, always; where the rest came from, for those who look for it. */
  #cause({ cause }: Actionable, indent: string): string[] {
    if (isActionable(cause) || cause instanceof AggregateError) return this.lines(cause, indent)
    if (!this.#debug || !(cause instanceof Error)) return []
    return (cause.stack ?? cause.message).split('\n').map((line) => this.#paint.dim(`${indent}${line}`))
  }
}

/** The same for programs: one line of JSON. */
export function errorJson(error: unknown, mask: (text: string) => string): string {
  return `${mask(JSON.stringify({ type: 'error', ...plain(error) }))}\n`
}

function plain(error: unknown): Record<string, unknown> {
  if (isActionable(error)) {
    const { code, message, hint, source, cause } = error
    const problems = (error.problems ?? []).map(plain)
    return {
      code,
      message,
      hint,
      ...(source === undefined ? {} : { source }),
      ...(problems.length === 0 ? {} : { problems }),
      ...(isActionable(cause) ? { cause: plain(cause) } : {}),
    }
  }
  if (error instanceof AggregateError) return { message: error.message, problems: error.errors.map(plain) }
  if (isAbort(error)) return { code: 'STOPPED', message: 'Stopped on request.' }
  return { code: 'DEFECT', message: error instanceof Error ? error.message : String(error) }
}

/** Codes of core that mean: what was asked for is wrong, nothing was tried. */
const unwilling: ReadonlySet<string> = new Set([
  'CLUSTERFILE_INVALID',
  'HOST_RANGE_INVALID',
  'CLUSTER_NOT_FOUND',
  'SECRET_UNREADABLE',
])

/** What the process ends with after this error. */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return exitCodes.interrupted
  if (isActionable(error) && (error.source === 'cli' || unwilling.has(error.code))) return exitCodes.unwilling
  return exitCodes.failed
}
