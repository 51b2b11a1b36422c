import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { imageErrors } from './errors.ts'

/** Something held; leave the scope of an `await using` to give it back. */
export type Lock = AsyncDisposable

export interface LockOptions {
  /** Milliseconds to wait for a holder that is alive; without limit when nothing is said. */
  readonly patience?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

interface Owner {
  readonly pid: number
  readonly host: string
  /** Start of the process as the kernel counts it, so that a reused pid is not taken for the owner. */
  readonly started: string
  readonly token: string
}

const pollEvery = 25
/** A process that breaks a stale lock takes far less than this many milliseconds. */
const breakingTakes = 10_000

/**
 * Holds a lock file against other processes and against this one. The lock of a process that has died is taken over.
 * @throws STORE_BUSY when the holder lives longer than `patience`
 */
export async function holdLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { patience = Number.POSITIVE_INFINITY, signal, clock = systemClock } = options
  const deadline = clock.now() + patience
  const owner: Owner = { pid: process.pid, host: hostname(), started: await startOf(process.pid), token: randomUUID() }
  await mkdir(dirname(path), { recursive: true })
  for (;;) {
    signal?.throwIfAborted()
    if (await create(path, JSON.stringify(owner))) {
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    }
    const held = await ownerOf(path)
    if (held !== undefined && (await isDead(held))) {
      await breakLock(path, held)
      continue
    }
    if (clock.now() >= deadline) {
      throw imageErrors.STORE_BUSY({
        path,
        owner: held === undefined ? 'another process' : `process ${held.pid} on ${held.host}`,
      })
    }
    await clock.sleep(pollEvery, signal)
  }
}

/** Names of the locks of a folder whose holders live; those of the dead are cleared away. */
export async function heldLocks(folder: string): Promise<string[]> {
  const held: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const owner = await ownerOf(path)
    if (owner !== undefined && (await isDead(owner))) await breakLock(path, owner)
    else if (owner !== undefined) held.push(name)
  }
  return held
}

/** Creates the file and its content in one step, so that nobody reads it half written. False: it is there already. */
async function create(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, content, { mode: 0o600 })
    await link(draft, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** Undefined: given back meanwhile. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error
    // A power failure can leave an empty file: nobody's, once it is old.
    return (await isOlderThan(path, breakingTakes)) ? { pid: 0, host: hostname(), started: '', token: '' } : undefined
  }
}

/** Only one process breaks at a time: two that do so side by side could take away the fresh lock of a third. */
async function breakLock(path: string, dead: Owner): Promise<void> {
  const breaking = `${path}.breaking`
  if (!(await create(breaking, ''))) {
    if (await isOlderThan(breaking, breakingTakes)) await rm(breaking, { force: true })
    return
  }
  try {
    const held = await ownerOf(path)
    if (held?.token === dead.token && held.pid === dead.pid) await rm(path, { force: true })
  } finally {
    await rm(breaking, { force: true })
  }
}

async function isDead({ pid, host, started }: Owner): Promise<boolean> {
  if (host !== hostname()) return false // nobody here can tell
  if (pid === 0) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
  return started !== (await startOf(pid))
}

/** Field 22 of proc(5)'s stat; empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

async function isOlderThan(path: string, milliseconds: number): Promise<boolean> {
  const seen = await stat(path).catch(() => undefined)
  return seen !== undefined && Date.now() - seen.mtimeMs > milliseconds
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
