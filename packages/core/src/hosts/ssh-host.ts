import type { Host, HostSpec, SshAccess } from './host.ts'
import type { SudoAccess } from './run-command.ts'
import { ShellHost } from './shell-host.ts'
import type { LoginOptions } from './ssh-login.ts'
import { SshShell } from './ssh-shell.ts'

/** A host with what lets go of it. */
export interface OpenHost {
  /** The host as this spec names it; specs that differ in their name share the connection. */
  as(spec: HostSpec): Host
  close(): Promise<void>
}

/** A host over SSH: one connection, made when first used. */
export function sshHost(spec: HostSpec, access: SshAccess, options: LoginOptions): OpenHost {
  const { secrets, clock, signal } = options
  const shell = new SshShell(spec, access, options)
  const sudo = access.user === 'root' ? {} : { sudo: sudoAccess(access, options) }
  const runner = { address: `${spec.address}:${access.port}`, shell, secrets, ...sudo }
  return {
    as: (named) => new ShellHost(named, { host: named.name, ...runner }, clock, signal),
    close: () => shell.close(),
  }
}

function sudoAccess({ user, password, sudoPassword = password }: SshAccess, { secrets }: LoginOptions): SudoAccess {
  return { user, ...(sudoPassword === undefined ? {} : { password: () => secrets.read(sudoPassword) }) }
}
