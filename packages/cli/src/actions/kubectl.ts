import { readFile, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { CliContext } from '../context.ts'
import { clusterName } from './cluster-name.ts'

/** Runs kubectl on a control plane with streams attached; the process ends with its exit code. */
export async function kubectl(context: CliContext, named: string | undefined, args: readonly string[]): Promise<void> {
  const cluster = await clusterName(context, named)
  await using sealer = await context.openSealer({ cluster })
  const { terminal, signal } = context
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') =>
    stream === 'stdout' ? terminal.stdout(chunk) : terminal.stderr(chunk)
  const { window } = terminal
  if (window !== undefined && wantsTerminal(args)) {
    try {
      const streams = { input: terminal.stdin, onOutput, terminal: { ...window, begins: () => window.raw(true) } }
      context.exitCode = await sealer.exec(cluster, ['kubectl', ...args], streams, { signal })
    } finally {
      window.raw(false)
    }
    return
  }
  const { argv, input } = await withFilesOfHere(args, terminal.stdin)
  const streams = { ...(input === undefined ? {} : { input }), onOutput }
  context.exitCode = await sealer.exec(cluster, ['kubectl', ...argv], streams, { signal })
}

const terminalFlags = new Set(['-it', '-ti', '-t', '--tty', '--tty=true'])

/** Arguments behind `--` are of a program in a container. */
function wantsTerminal(args: readonly string[]): boolean {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  return own.includes('edit') || own.some((arg) => terminalFlags.has(arg))
}

/** Verbs whose `-f` is a file; for `logs` it means to follow. */
const verbsWithFiles: ReadonlySet<string> = new Set([
  'apply',
  'create',
  'delete',
  'describe',
  'diff',
  'get',
  'replace',
  'wait',
])

/**
 * Files of this machine become standard input: kubectl runs elsewhere. Standard input itself is sent only where it is asked for, so that
 * a loop that reads lines is not emptied.
 */
export async function withFilesOfHere(
  args: readonly string[],
  stdin: Readable,
): Promise<{ readonly argv: readonly string[]; readonly input?: Readable }> {
  const asked = args.some((arg) => ['-', '-i', '-it', '-ti', '--stdin', '-f-', '--filename=-'].includes(arg))
  const verb = args.find((arg) => verbsWithFiles.has(arg))
  if (asked || verb === undefined) return asked ? { argv: args, input: stdin } : { argv: args }
  const texts: string[] = []
  const argv: string[] = []
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? ''
    const apart = arg === '-f' || arg === '--filename'
    const file = apart ? args[index + 1] : (/^(?:-f|--filename=)(.+)$/.exec(arg)?.[1] ?? undefined)
    if (file === undefined || !(await isFile(file))) {
      argv.push(arg)
      continue
    }
    if (apart) index += 1
    if (texts.length === 0) argv.push('-f', '-')
    texts.push(await readFile(file, 'utf8'))
  }
  return texts.length === 0 ? { argv } : { argv, input: Readable.from([texts.join('\n---\n')]) }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
