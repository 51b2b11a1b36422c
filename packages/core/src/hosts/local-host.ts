import { userInfo } from 'node:os'
import type { Clock } from '../clock.ts'
import { LocalShell } from '../local/local-shell.ts'
import type { Secrets } from '../secrets.ts'
import type { HostSpec } from './host.ts'
import { ShellHost } from './shell-host.ts'
import type { OpenHost } from './ssh-host.ts'

export interface LocalHostOptions {
  readonly secrets: Secrets
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** Who runs this process; anybody but root (uid 0) becomes it by sudo. */
  readonly user?: { readonly uid: number; readonly username: string }
}

/** This very machine as a host, without SSH. */
export function localHost(spec: HostSpec, { secrets, clock, signal, user = userInfo() }: LocalHostOptions): OpenHost {
  const shell = new LocalShell(spec.name)
  const sudo = user.uid === 0 ? {} : { sudo: { user: user.username } }
  const runner = { address: spec.address, shell, secrets, keeper: process.pid, ...sudo }
  return {
    as: (named) => new ShellHost(named, { host: named.name, ...runner }, clock, signal),
    close: () => shell.close(),
  }
}
