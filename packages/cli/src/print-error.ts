import colours from 'picocolors'
import { exitCodes } from './exit-codes.ts'
import { printable } from './printable.ts'

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

/** The tree of an error: what happened and why, what to try, and what lies below it. A bug is shown with its stack. */
export function errorText(error: unknown, style: ErrorStyle): string {
  return `${style.mask(lines(error, colours.createColors(style.colour), style.debug === true, '').join('\n'))}\n`
}

function lines(
  error: unknown,
  paint: ReturnType<typeof colours.createColors>,
  debug: boolean,
  indent: string,
): string[] {
  const cross = paint.red('✗')
  const deeper = `${indent}  `
  const below = (errors: readonly unknown[]) => errors.flatMap((one) => lines(one, paint, debug, deeper))
  if (isActionable(error)) {
    const [first = '', ...rest] = printable(error.message).split('\n')
    const [hint = '', ...hints] = error.hint.split('\n')
    return [
      `${indent}${cross} ${paint.bold(first)}  ${paint.dim(error.code)}`,
      ...rest.map((line) => `${deeper}${line}`),
      ...below(error.problems ?? []),
      ...whatLiesBelow(error, paint, debug, deeper),
      ...(hint === '' ? [] : [`${deeper}${paint.cyan('Try:')} ${hint}`]),
      ...hints.map((line) => `${deeper}     ${line}`),
      `${deeper}${paint.dim(`Docs: docs/reference/errors.md#${error.code.toLowerCase()}`)}`,
    ]
  }
  if (error instanceof AggregateError) return [`${indent}${cross} ${paint.bold(error.message)}`, ...below(error.errors)]
  if (error instanceof Error && isActionable(error.cause))
    return [`${indent}${cross} ${error.message}`, ...below([error.cause])]
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return [
    `${indent}${cross} ${paint.bold('This is a defect of sealer or of a plugin:')}`,
    ...stack.split('\n').map((line) => `${deeper}${line}`),
    `${deeper}${paint.cyan('Try:')} Report it with the lines above and the output of: sealer version`,
  ]
}

/** The cause of an error, where its message does not tell it already. */
function whatLiesBelow(
  error: Actionable,
  paint: ReturnType<typeof colours.createColors>,
  debug: boolean,
  indent: string,
): string[] {
  const { cause } = error
  if (isActionable(cause) || cause instanceof AggregateError) return lines(cause, paint, debug, indent)
  if (!debug || !(cause instanceof Error)) return []
  return (cause.stack ?? cause.message).split('\n').map((line) => paint.dim(`${indent}${line}`))
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
