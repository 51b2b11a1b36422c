import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { errors } from '../errors.ts'
import type { Channel, OpenOptions, Shell } from '../hosts/channel.ts'
import type { TerminalSize } from '../hosts/host.ts'
import { endGroup } from './run-local.ts'

/** `sh` of this machine. */
export class LocalShell implements Shell {
  readonly #host: string

  constructor(host: string) {
    this.#host = host
  }

  async open(line: string, { signal, terminal }: OpenOptions = {}): Promise<Channel> {
    const { execa } = await import('execa') // who never runs a program never loads it
    signal?.throwIfAborted()
    const [file, args] = terminal === undefined ? ['sh', ['-c', line]] : ['script', inTerminal(line, terminal.size())]
    // A group of its own, so that it can be ended with all that it starts.
    const child = execa(file, args, { stdin: 'pipe', buffer: false, reject: false, detached: true })
    const ended = child.then(({ exitCode, signal: name }) => ({
      code: exitCode ?? (name === undefined ? 127 : undefined),
      signal: name?.replace(/^SIG/, ''),
    }))
    const close = () => {
      endGroup(child.pid, 'SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
    }
    let over = false
    ended.finally(() => {
      over = true
    })
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, close: () => over || close() }
  }

  connect(port: number, address: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: address, noDelay: true })
      socket.once('connect', () => resolve(socket))
      socket.once('error', (cause) =>
        reject(errors.PORT_UNREACHABLE({ host: this.#host, port, reason: cause.message }, { cause })),
      )
    })
  }

  async close(): Promise<void> {}
}

/** Node makes no pseudo-terminals; script(1), which every Debian and Red Hat has, does. It keeps the size with which it begins. */
const inTerminal = (line: string, { columns, rows }: TerminalSize): string[] => [
  '-qefc',
  `stty columns ${columns} rows ${rows}; ${line}`,
  '/dev/null',
]
