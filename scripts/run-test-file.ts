import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Counts } from './test-file.ts'

export interface FileRun {
  /** Seconds. */
  readonly timeLimit: number
  /** Shows output as it comes, with the names of the tests; otherwise it is kept and returned. */
  readonly live?: boolean
}

/** A live file (real machines) that must end is asked with SIGTERM and has so many seconds to put its machines away. */
const grace = 30

/** What became of one test file. `output` is empty when it was shown live. */
export interface FileResult extends Counts {
  readonly output: string
  readonly seconds: number
}

const root = join(import.meta.dirname, '..')
const running = new Map<ChildProcess, { readonly live: boolean }>()

/**
 * Runs a test file in a process group of its own. A file that ends without counts, with another exit code than 0, late,
 * or without a single test has one failure more.
 */
export async function runTestFile(file: string, { timeLimit, live = false }: FileRun): Promise<FileResult> {
  const started = performance.now()
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=@sealer/source', 'scripts/test-file.ts', file, ...(live ? ['--names'] : [])],
    { cwd: root, stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe', 'ipc'], detached: true },
  )
  running.set(child, { live })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
  }
  let counts: Counts | undefined
  child.on('message', (message) => {
    counts = message as Counts // only test-file.ts speaks on this channel
  })
  let late = false
  const timer = globalThis.setTimeout(() => {
    late = true
    stop(child, live)
  }, timeLimit * 1000)

  const closed = new Promise((close) => child.once('close', close))
  const end = await new Promise<string | number>((ended) => {
    child.once('error', (error) => ended(error.message))
    child.once('exit', (code, signal) => ended(code ?? signal ?? 'no exit code'))
  })
  clearTimeout(timer)
  running.delete(child)
  killGroup(child) // whatever the file has started and left behind; it would also hold the pipes open
  await Promise.race([closed, setTimeout(1_000)])
  for (const stream of [child.stdout, child.stderr]) stream?.destroy()

  const problem = late ? `not done after ${timeLimit} s: killed` : problemOf(counts, end)
  if (problem !== undefined) (live ? console.error : (text: string) => output.push(text))(`${file}: ${problem}\n`)
  return {
    passed: counts?.passed ?? 0,
    failed: (counts?.failed ?? 0) + (problem === undefined ? 0 : 1),
    skipped: counts?.skipped ?? [],
    output: output.join(''),
    seconds: (performance.now() - started) / 1000,
  }
}

/** Ends every test file that is running, together with what it has started. */
export function stopTestFiles(): void {
  for (const [child, { live }] of running) stop(child, live)
}

function stop(child: ChildProcess, live: boolean): void {
  if (live) {
    child.kill('SIGTERM')
    globalThis.setTimeout(() => running.has(child) && killGroup(child), grace * 1000).unref()
  } else killGroup(child)
}

function problemOf(counts: Counts | undefined, end: string | number): string | undefined {
  if (counts === undefined) {
    return `ended (exit ${end}) before its tests ended${end === 13 ? ': a promise never settled' : ''}`
  }
  if (counts.passed + counts.failed + counts.skipped.length === 0) return 'has no test'
  return end === 0 || counts.failed > 0 ? undefined : `ended with exit ${end} after its tests`
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {} // the group has ended by itself
}
