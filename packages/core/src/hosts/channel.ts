import type { Duplex, Readable, Writable } from 'node:stream'
import type { TerminalSize, TerminalWindow } from './host.ts'

/** How a command ended. Neither code nor signal: the connection was lost. */
export interface Exit {
  readonly code: number | undefined
  /** Name without SIG, e.g. `KILL`. */
  readonly signal: string | undefined
}

/** A command line under way. */
export interface Channel {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the command has ended and its output is read. Never rejects. */
  readonly ended: Promise<Exit>
  /** Tells a command with a terminal that the window has another size now. */
  resize?(size: TerminalSize): void
  /** Lets go of it. Does not end the command by itself. */
  close(): void
}

/** Where command lines run: `sh` of this machine, or of a far one through SSH. */
export interface Shell {
  /** @throws HOST_UNREACHABLE, HOST_AUTH_FAILED, HOST_KEY_CHANGED, HOST_KEY_UNKNOWN */
  open(line: string, options?: OpenOptions): Promise<Channel>
  /** A connection to a port as seen from there. @throws PORT_UNREACHABLE */
  connect(port: number, address: string): Promise<Duplex>
  close(): Promise<void>
}

export interface OpenOptions {
  readonly signal?: AbortSignal
  /** Does not wait for its turn: for what ends another command. */
  readonly urgent?: boolean
  /** The command gets a terminal; its standard error is part of its standard output then. */
  readonly terminal?: TerminalWindow
}
