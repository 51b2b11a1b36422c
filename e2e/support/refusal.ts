import type { Outcome } from './run-tool.ts'

/** An error as `--output json` tells it. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly problems?: readonly Told[]
  readonly cause?: Told
}

/** A command that has failed: its exit code, and its error with all that lies below it. */
export interface Refusal {
  readonly exitCode: number
  readonly error: Told
  /** The error and everything below it. */
  readonly all: readonly Told[]
}

/** Reads the error of a command that ran with `--output json`. A success, or a failure without a remedy, is itself an error. */
export function refusalOf({ code, stdout, stderr }: Outcome): Refusal {
  const line = stderr.split('\n').findLast((text) => text.startsWith('{"type":"error"'))
  if (code === 0 || line === undefined) throw new Error(`ended with ${code}, without an error:\n${stdout}\n${stderr}`)
  const error: Told = JSON.parse(line)
  const all = flat(error)
  for (const { code: name, hint } of all) if (!hint) throw new Error(`${name} does not say what to do: ${line}`)
  return { exitCode: code, error, all }
}

const flat = (error: Told): readonly Told[] => [
  error,
  ...(error.problems ?? []).flatMap(flat),
  ...(error.cause === undefined ? [] : flat(error.cause)),
]
