import { totalmem } from 'node:os'
import type { Readable } from 'node:stream'
import { sandboxErrors } from './errors.ts'
import { wayOut } from './network.ts'
import { seccompFilter } from './seccomp.ts'
import { firstInput, inUserNamespace } from './user-namespace.ts'

/** A command, and the files it sees. */
export interface SandboxedCommand {
  readonly argv: readonly string[]
  /** A program that stands at a place of its own. */
  readonly script?: { readonly place: string; readonly content: string }
  readonly environment: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  /** Folder that the other folders are named from. */
  readonly folder: string
  /** Folders that lie under each other, the upper first; none of them is changed. */
  readonly lower: readonly string[]
  /** A folder with `files`, which gets what the command changes, and `work`, which is gone afterwards; `xattrs` is written beside them. */
  readonly run: string
  /** Folders of this machine that the command sees at the same path, read-only. */
  readonly tools: readonly string[]
  /** Whether `/tmp` is a memory file system that nobody sees afterwards. */
  readonly ownTmp: boolean
  /** What the command says, line by line, without control characters. */
  readonly onLine: (line: string) => void
  /** Ends everything that the command has started, at once. */
  readonly signal?: AbortSignal | undefined
}

/** What building software needs of the powers of root, within the sandbox. Neither devices, mounts, networks nor other processes. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETFCAP']

/** Processes and threads that one command may have at a time. */
const mostProcesses = 4096

// The first process of its own process namespace, as root of a user namespace: when it ends, or the sealer ends, everything ends. Arguments:
// network, lowerdir, the run's folder. Bytes on descriptors 5 and 6: arguments of bwrap, seccomp filter.
const stage = `
set -e
network=$1 lower=$2 run=$3 processes=$4; shift 4
printf . >&3; read -r _ <&3
echo 0 >/proc/sys/user/max_user_namespaces
echo 500 >/proc/self/oom_score_adj
if [ "$network" = default ]; then ip route add unreachable 169.254.0.0/16; fi
mount -t tmpfs -o mode=755 tmpfs /tmp
mkdir /tmp/root
mount -t overlay -o "userxattr,lowerdir=$lower,upperdir=$run/files,workdir=$run/work" overlay /tmp/root
printf . >&3; read -r _ <&3
prlimit --nproc="$processes" --core=0 bwrap --args ${firstInput} "$@" 3>&- </dev/null & command=$!
(read -r _ <&3 || kill -KILL "$command") 5>&- 6>&- 7>&- >/dev/null 2>&1 &
code=0; wait "$command" || code=$?
cd -P "./$run/files"
getfattr -R -P -h -d -m - -e base64 . >../xattrs || exit 125
cd -P ..
umount -l /tmp/root
rm -rf work
exit "$code"`

/**
 * Runs one command in namespaces of its own (user, mount, process, network, IPC, host name), the layers as its root file system.
 * @returns its exit code, undefined when it was killed
 * @throws SANDBOX_FORBIDDEN, SANDBOX_NETWORK
 */
export async function runInSandbox(command: SandboxedCommand): Promise<number | undefined> {
  const { network, lower, run, folder, signal } = command
  const filter = seccompFilter()
  const inputs: Buffer[] = [Buffer.from(bwrapOptions(command, filter).join('\0'))]
  if (filter !== undefined) inputs.push(filter)
  if (command.script !== undefined) inputs.push(Buffer.from(command.script.content))
  const namespaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL']
  const staged = ['sh', '-c', stage, 'stage', network, lower.join(':'), run, String(mostProcesses)]
  const running = await inUserNamespace(['unshare', ...namespaces, '--', ...staged, '--', ...command.argv], {
    cwd: folder,
    inputs,
    signal,
  })
  running.stdin.end()
  let preparing = true
  const said: string[] = []
  const onLine = (line: string) => (preparing ? said.push(line) : command.onLine(line))
  const reading = Promise.all([eachLine(running.stdout, onLine), eachLine(running.stderr, onLine)])
  try {
    await running.asked()
    await using _network = network === 'default' ? await wayOut(running.pid, signal) : undefined
    running.go()
    await running.asked()
    preparing = false
    running.go()
    const code = await running.ended
    await reading
    signal?.throwIfAborted()
    return code
  } catch (cause) {
    running.kill()
    await running.ended
    await reading
    signal?.throwIfAborted()
    if (preparing && !(cause instanceof Error && cause.name === 'SealerError')) {
      throw sandboxErrors.SANDBOX_FORBIDDEN({ reason: said.join('; ') || (cause as Error).message }, { cause })
    }
    throw cause
  }
}

/** The filter and the script are read from the next descriptors. */
function bwrapOptions(command: SandboxedCommand, filter: Buffer | undefined): string[] {
  const { environment, network, tools, ownTmp, script } = command
  const scriptAt = String(firstInput + (filter === undefined ? 1 : 2))
  return [
    ...(filter ? ['--seccomp', String(firstInput + 1)] : []),
    ...['--bind', '/tmp/root', '/', '--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
    ...(script ? ['--perms', '0555', '--ro-bind-data', scriptAt, script.place] : []),
    ...tools.flatMap((tool) => ['--ro-bind', tool, tool]),
    ...(ownTmp ? ['--perms', '1777', '--size', String(Math.floor(totalmem() / 4)), '--tmpfs', '/tmp'] : []),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', 'build', '--unshare-cgroup-try'],
    ...(network === 'none' ? ['--unshare-net'] : []),
    ...['--new-session', '--die-with-parent', '--cap-drop', 'ALL'],
    ...capabilities.flatMap((name) => ['--cap-add', `CAP_${name}`]),
    ...['--clearenv', ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])],
    ...['--chdir', '/'],
  ]
}

/** A line longer than this many characters comes in pieces. */
const longestLine = 16_384

async function eachLine(source: Readable, take: (line: string) => void): Promise<void> {
  source.setEncoding('utf8')
  let rest = ''
  for await (const piece of source) {
    const lines = (rest + piece).split(/\r?\n|\r/)
    rest = lines.pop() ?? ''
    for (const line of lines) take(printable(line))
    if (rest.length > longestLine) {
      take(printable(rest))
      rest = ''
    }
  }
  if (rest !== '') take(printable(rest))
}

/** Commands are not trusted with the terminal. */
const printable = (line: string): string => line.replaceAll(/\p{Cc}/gu, (char) => (char === '\t' ? char : ''))
