import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A process that can be told from a later one with the same number. */
export interface ProcessMark {
  readonly pid: number
  /** Start time in clock ticks since boot, field 22 of proc(5)'s `stat`. */
  readonly started: string
  /** The boot in which it was started. */
  readonly boot: string
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** Undefined when there is no such process. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = startOf(pid)
  return started === undefined ? undefined : { pid, started, boot: bootId() }
}

/** Whether it is this very process that still runs. */
export function isAlive(mark: ProcessMark | undefined): boolean {
  return mark !== undefined && mark.boot === bootId() && startOf(mark.pid) === mark.started
}

/** Reads a mark that was written as JSON; undefined when there is none or half of one. */
export async function readMark(file: string): Promise<ProcessMark | undefined> {
  try {
    const mark = JSON.parse(await readFile(file, 'utf8')) as Partial<ProcessMark>
    const { pid, started, boot } = mark
    return typeof pid === 'number' && started !== undefined && boot !== undefined ? { pid, started, boot } : undefined
  } catch {
    return undefined
  }
}

/** Ends the process group that this process leads. */
export function killGroup(mark: ProcessMark | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (mark !== undefined && isAlive(mark)) kill(-mark.pid, signal)
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {} // it has ended by itself
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name before may hold anything
    return state === 'Z' ? undefined : fields[18]
  } catch {
    return undefined
  }
}
