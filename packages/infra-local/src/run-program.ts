import { spawn } from 'node:child_process'
import { errors } from './errors.ts'

export interface ProgramOptions {
  readonly input?: string
  readonly signal?: AbortSignal
  readonly onLine?: (line: string) => void
  /** Exit codes that are answers rather than failures; `[0]` when nothing is said. */
  readonly accept?: readonly number[]
}

/**
 * Runs a program of this machine and gives its standard output. An abort ends it together with all that it started.
 * @throws LOCAL_PROGRAM_FAILED with its last lines
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input = '', signal, onLine, accept = [0] }: ProgramOptions = {},
): Promise<string> {
  signal?.throwIfAborted()
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    } catch {} // it has ended by itself
  }
  signal?.addEventListener('abort', stop, { once: true })
  const out: string[] = []
  const err: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err.push(text)
    for (const line of text.split('\n')) if (line.trim() !== '') onLine?.(line)
  })
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(input)
  try {
    const how = await new Promise<number | string>((ended) => {
      child.once('error', (error) => ended(`cannot be started (${error.message})`))
      child.once('close', (code, by) => ended(code ?? `was ended by ${by}`))
    })
    signal?.throwIfAborted()
    if (typeof how === 'number' && accept.includes(how)) return out.join('')
    const output = (err.length > 0 ? err : out).join('').trim().split('\n').slice(-8).join('\n')
    throw errors.LOCAL_PROGRAM_FAILED({
      program,
      how: typeof how === 'number' ? `ended with exit code ${how}` : how,
      output,
    })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
