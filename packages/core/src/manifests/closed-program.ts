import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A program that reads what strangers wrote, and what it may do. */
export interface ClosedCommand {
  readonly program: string
  readonly args: readonly string[]
  /** Its working directory, its home, and the place of its caches. */
  readonly folder: string
  readonly signal?: AbortSignal | undefined
}

/** Why a program failed, in its own words, and what it had answered until then. */
export class ProgramProblem extends Error {
  readonly answer: string

  constructor(reason: string, answer: string, cause: unknown) {
    super(reason, { cause })
    this.answer = answer
  }
}

/** Bytes that an answer may have: a large chart renders into 5 MB. */
const largestAnswer = 64 * 1024 ** 2
const patience = 60_000

/** 2 GiB of addresses (Go reserves more than it uses), no core dumps, files of 512 MiB. */
const limits = ['prlimit', `--as=${2 * 1024 ** 3}`, '--core=0', `--fsize=${512 * 1024 ** 2}`, '--']
const namespaces = ['--user', '--map-root-user', '--net', '--ipc', '--pid', '--fork', '--kill-child=KILL', '--']

/**
 * Runs a program on hostile input: without a network where this machine has user namespaces, with an empty environment, bounded in time,
 * memory and what it says. Gives its standard output.
 * @throws ProgramProblem
 */
export async function runClosed({ program, args, folder, signal }: ClosedCommand): Promise<string> {
  const [first = program, ...rest] = [...(await closing()), program, ...args]
  signal?.throwIfAborted()
  const running = run(first, rest, {
    cwd: folder,
    env: { HOME: folder, TMPDIR: folder, PATH: searchPath, ...noWayOut },
    maxBuffer: largestAnswer,
    timeout: patience,
    killSignal: 'SIGKILL',
  })
  const stop = () => running.child.kill('SIGKILL') // unshare does not hear SIGTERM, which execFile would send
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return (await running).stdout
  } catch (cause) {
    signal?.throwIfAborted()
    throw new ProgramProblem(reasonOf(cause as ExecFailure), (cause as ExecFailure).stdout ?? '', cause)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

interface ExecFailure extends Error {
  readonly stdout?: string
  readonly stderr?: string
  readonly code?: number | string
  readonly killed?: boolean
}

function reasonOf({ stderr = '', code, killed, message }: ExecFailure): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `it renders into more than ${largestAnswer / 1024 ** 2} MiB`
  if (killed === true) return `it was not done after ${patience / 1000} seconds`
  const said = stderr.replaceAll(/[^\P{Cc}\n\t]/gu, '').trim()
  const from = Math.max(0, said.search(/^(?:fatal )?error:/im)) // warnings come before
  return said === '' ? message : said.slice(from, from + 2000)
}

/** Wrappers of a program may need a shell. */
const searchPath = '/usr/local/bin:/usr/bin:/bin'
/** Where there is no network namespace to close: nobody listens there, and git speaks no protocol. */
const noWayOut = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', GIT_ALLOW_PROTOCOL: 'none' }

/** What stands before a command to close it in, as far as this machine can. */
async function closing(): Promise<readonly string[]> {
  const works = (...prefix: readonly string[]) =>
    run(prefix[0] ?? '', [...prefix.slice(1), 'true'], { env: { PATH: searchPath } }).then(
      () => true,
      () => false,
    )
  if (await works('unshare', ...namespaces, ...limits)) return ['unshare', ...namespaces, ...limits]
  return (await works(...limits)) ? limits : []
}
