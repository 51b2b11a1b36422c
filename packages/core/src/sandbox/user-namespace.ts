import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lchown, writeFile } from 'node:fs/promises'
import type { Duplex, Readable, Writable } from 'node:stream'
import { sandboxErrors } from './errors.ts'

/**
 * User and group ids of a sandbox on this machine. Root gives it a range that nobody else has, so that root of a sandbox owns nothing here: with
 * id 0 it could write what the kernel gives to root, such as `/proc/sys`. Without root there is one id, which is one's own.
 */
const range = process.getuid?.() === 0 ? { first: 2_000_000_000, count: 100_000_000 } : undefined

/** An id on this machine as the sandbox sees it. */
export const idInside = (id: number): number =>
  range !== undefined && id >= range.first && id < range.first + range.count ? id - range.first : 0

/** Gives a file to an id of the sandbox; without root all belongs to root of the sandbox already. */
export async function own(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  if (range !== undefined) await lchown(path, range.first + uid, range.first + gid)
}

/** A program in a user namespace, its standard streams, and a line to it on file descriptor 3. */
export interface NamespaceProcess {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the program has asked on descriptor 3 (`printf . >&3; read -r _ <&3`); it waits for {@link go}. */
  asked(): Promise<void>
  go(): void
  kill(): void
  /** Resolves with the exit code, undefined after a signal. */
  readonly ended: Promise<number | undefined>
}

/** How a program is started in a user namespace. */
export interface NamespaceOptions {
  /** It may be in a folder that the sandbox cannot reach by path: relative paths work. */
  readonly cwd: string
  /** Bytes that the program reads from descriptor {@link firstInput} on, one each. */
  readonly inputs?: readonly Buffer[]
  /** Ends the program with all that it has started. */
  readonly signal?: AbortSignal | undefined
}

/** Number of the file descriptor of the first of `inputs`. */
export const firstInput = 5

/** The environment of programs that set a sandbox up: nothing of an image can reach it. */
const plainEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }

// Once the ids are there, it becomes root of the namespace; until then it is nobody there, and keeps its powers over it as ambient capabilities.
const enter = 'printf . >&3; read -r _ <&3; exec setpriv --reuid 0 --regid 0 --clear-groups -- "$@"'
const enterAsIs = 'printf . >&3; read -r _ <&3; exec "$@"'

/**
 * Starts a program as root of a user namespace of its own.
 * @throws SANDBOX_FORBIDDEN
 */
export async function inUserNamespace(
  argv: readonly string[],
  { cwd, inputs = [], signal }: NamespaceOptions,
): Promise<NamespaceProcess> {
  signal?.throwIfAborted()
  const how =
    range === undefined ? ['--map-root-user', '--', 'sh', '-c', enterAsIs] : ['--keep-caps', '--', 'sh', '-c', enter]
  const child = spawn('unshare', ['--user', ...how, 'enter', ...argv], {
    cwd,
    env: plainEnvironment,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'ignore', ...inputs.map(() => 'pipe' as const)],
  })
  const running = new RunningProcess(child, signal)
  for (const [index, input] of inputs.entries()) {
    const pipe = child.stdio[firstInput + index] as unknown as Writable
    pipe.on('error', () => {}) // who ends early need not read all
    pipe.end(input)
  }
  try {
    await running.asked()
    if (range !== undefined) {
      const line = `0 ${range.first} ${range.count}\n`
      await writeFile(`/proc/${running.pid}/gid_map`, line)
      await writeFile(`/proc/${running.pid}/uid_map`, line)
    }
  } catch (cause) {
    signal?.throwIfAborted()
    const said = await running.lastWords()
    throw sandboxErrors.SANDBOX_FORBIDDEN({ reason: said || (cause as Error).message }, { cause })
  }
  running.go()
  return running
}

class RunningProcess implements NamespaceProcess {
  readonly ended: Promise<number | undefined>
  readonly #child: ChildProcess
  readonly #line: Duplex

  constructor(child: ChildProcess, signal: AbortSignal | undefined) {
    this.#child = child
    this.#line = child.stdio[3] as unknown as Duplex
    this.#line.on('error', () => {})
    child.stdin?.on('error', () => {})
    const kill = () => child.kill('SIGKILL') // it leads a process namespace, or will end with its descriptor 3
    signal?.addEventListener('abort', kill, { once: true })
    this.ended = new Promise((resolve) => {
      child.once('error', () => resolve(127))
      child.once('close', (code) => resolve(code ?? undefined))
    })
    this.ended.finally(() => signal?.removeEventListener('abort', kill))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }
  get stdin(): Writable {
    return this.#child.stdin as Writable
  }
  get stdout(): Readable {
    return this.#child.stdout as Readable
  }
  get stderr(): Readable {
    return this.#child.stderr as Readable
  }

  async asked(): Promise<void> {
    const over = this.ended.then((code) => {
      throw new Error(`it ended with ${code ?? 'a signal'}`)
    })
    await Promise.race([once(this.#line, 'data'), over])
  }

  go(): void {
    this.#line.write('\n')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async lastWords(): Promise<string> {
    this.kill()
    let said = ''
    for await (const piece of this.stderr) said = (said + piece).slice(-1000)
    return said.trim()
  }
}

/**
 * Runs a small script as root of a user namespace; `input` is its standard input.
 * @throws the message of `problem` with what the script has said
 */
export async function scriptInUserNamespace(
  script: string,
  args: readonly string[],
  options: NamespaceOptions & {
    readonly feed?: (stdin: Writable) => Promise<void>
    readonly problem: (reason: string, cause?: unknown) => Error
  },
): Promise<void> {
  const { feed, problem, signal } = options
  const running = await inUserNamespace(['sh', '-c', script, 'sh', ...args], options)
  let said = ''
  running.stderr.on('data', (piece) => {
    said = (said + piece).slice(-2000)
  })
  running.stdout.resume()
  let failure: unknown
  const fed = (feed === undefined ? Promise.resolve(running.stdin.end()) : feed(running.stdin)).catch((cause) => {
    failure = cause
    running.stdin.destroy()
  })
  const code = await running.ended
  await fed
  signal?.throwIfAborted()
  if (code !== 0) throw problem(said.trim().split('\n').slice(0, 5).join('; ') || `exit code ${code}`, failure)
  if (failure !== undefined) throw failure
}
