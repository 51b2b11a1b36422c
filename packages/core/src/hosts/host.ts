import type { Duplex, Readable, Writable } from 'node:stream'
import type { SecretRef } from '../secrets.ts'

/** OCI platform, e.g. `{ os: 'linux', architecture: 'arm64' }` (image-spec, image-index.md). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** `linux/arm64`, `linux/arm/v7`. */
export const platformText = (platform: Platform): string =>
  [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/')

/** How to log in to a host over SSH. */
export interface SshAccess {
  readonly user: string
  /** TCP port; 22 when nothing is said. */
  readonly port: number
  /** Path of a private key; undefined means agent, then the usual keys of `~/.ssh`. */
  readonly privateKey?: string
  readonly passphrase?: SecretRef
  readonly password?: SecretRef
  /** Password for sudo when it is another one than the login's. */
  readonly sudoPassword?: SecretRef
  readonly useAgent?: boolean
  /** A host to go through, which may have one of its own. */
  readonly jump?: HostSpec
}

/** A host as it is wanted, before anybody has spoken to it. */
export interface HostSpec {
  /** Unique in the cluster, a DNS label; the node's name. */
  readonly name: string
  readonly address: string
  /** `master`, `node` or own ones; a host with `master` and `node` is a control plane that takes workloads. */
  readonly roles: readonly string[]
  /** Undefined: this very machine, without SSH. */
  readonly ssh?: SshAccess
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly string[]
}

/** What a host says of itself; gathered in one round trip. */
export interface HostFacts {
  readonly platform: Platform
  /** `ID` and `VERSION_ID` of os-release(5). */
  readonly os: { readonly id: string; readonly version: string; readonly name: string }
  readonly kernel: string
  readonly hostname: string
  /** Machine id, machine-id(5); two hosts with one are a cloned image. */
  readonly machineId: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly swap: boolean
  /** Version of the cgroup hierarchy at /sys/fs/cgroup. */
  readonly cgroup: 1 | 2
  /** Whether systemd is process 1 and holds the controllers: then it must make the cgroups, else the container runtime does. */
  readonly systemdCgroups: boolean
  /** Whether processes may lower their oom_score_adj (CAP_SYS_RESOURCE). */
  readonly oomScoreAdj: boolean
  /** Whether conntrack and kernel sysctls can be written. */
  readonly writableSysctls: boolean
  /** Free bytes of the file system that will hold sealer's data (`/var/lib/sealer`). */
  readonly diskFreeBytes: number
  /** Listening TCP ports. */
  readonly listening: readonly number[]
  /** Clock minus the operator's, in milliseconds, less half of the round trip. */
  readonly clockSkewMs: number
  /** Addresses of its interfaces. */
  readonly addresses: readonly string[]
}

/** A command as an argument list; quoting for the far shell happens in one place. */
export interface Command {
  readonly argv: readonly string[]
  /** Standard input; secrets go here, never into `argv`. */
  readonly input?: string | Buffer | Readable
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Each line of output as it comes, without the line end. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Where standard output goes instead of into `Output.stdout`, at its pace; left open at the end. */
  readonly output?: Writable
  /** A terminal for the command: everything it writes goes to `output`, and `input` (a stream) to it, byte by byte. */
  readonly terminal?: TerminalWindow
  /** Exit codes that are answers rather than failures; `[0]` when nothing is said. */
  readonly accept?: readonly number[]
}

/** The window of whoever sits before a command. */
export interface TerminalWindow {
  /** What it understands, e.g. `xterm-256color`. */
  readonly type: string
  size(): TerminalSize
  /** Told when the command begins: until then keys are still the caller's, Ctrl-C too. */
  begins?(): void
  /** Tells of each change; gives what ends that. */
  onResize(changed: () => void): () => void
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** A host that can be asked. All that planning gets. */
export interface HostView {
  readonly name: string
  readonly address: string
  readonly roles: readonly string[]
  readonly spec: HostSpec
  /** Gathered once per run, then remembered. */
  facts(): Promise<HostFacts>
  /**
   * Standard output of a command that changes nothing, without the last line end.
   * @throws COMMAND_FAILED, HOST_UNREACHABLE
   */
  ask(...argv: string[]): Promise<string>
  /** As `ask`, with everything a command can have. */
  inquire(command: Command): Promise<Output>
  /** Whether a path exists. */
  has(path: string): Promise<boolean>
  /** A file's text, or undefined where there is none. */
  read(path: string): Promise<string | undefined>
}

export interface FileOptions {
  /** Permission bits, 0o644 when nothing is said. */
  readonly mode?: number
}

/** A host that can be changed. Only a step's `do` gets one. */
export interface Host extends HostView {
  /** Runs a command as root and gives its standard output without the last line end. @throws COMMAND_FAILED, HOST_UNREACHABLE, SUDO_FAILED */
  exec(...argv: string[]): Promise<string>
  /** As `exec`, with everything a command can have. */
  run(command: Command): Promise<Output>
  /** Writes a file beside its place, then renames it: readers see the old or the new content, never half. Makes the folder. Compares first: same content and mode, no write. */
  write(path: string, content: string | Buffer, options?: FileOptions): Promise<void>
  /** A stream into a command's standard input, e.g. `send(tarStream, 'tar', '-x', '-C', dir)`. */
  send(source: Readable, ...argv: string[]): Promise<void>
  /** A connection to a port of the host itself, through SSH where the host is remote. */
  connect(port: number, address?: string): Promise<Duplex>
}

/** How an infra reaches hosts that are not on this machine's network. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Duplex>

/** The hosts of a run: one connection each, closed with the run. */
export interface HostPool extends AsyncDisposable {
  /** The same object for the same name; connects when first used. */
  view(spec: HostSpec): HostView
  /** For the engine alone: a host that can be changed. */
  host(spec: HostSpec): Host
}
