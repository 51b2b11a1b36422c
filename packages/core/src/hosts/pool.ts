import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { HostKeyPolicy } from '../sealer.ts'
import type { Secrets } from '../secrets.ts'
import type { Dial, Host, HostPool, HostSpec } from './host.ts'
import { createHostKeys } from './host-key.ts'
import { localHost } from './local-host.ts'
import { type OpenHost, sshHost } from './ssh-host.ts'
import type { SshSurroundings } from './ssh-methods.ts'

export interface HostPoolOptions extends SshSurroundings {
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
  /** Absent: an unknown key is pinned where no password is sent, and refused where one is. */
  readonly hostKeys?: HostKeyPolicy
  /** Files in the form of known_hosts; read, never written. */
  readonly knownHosts?: readonly string[]
  /** Where this cluster's host keys are pinned. */
  readonly pinFile?: string
  readonly dial?: Dial
  /** Ends every command of the pool. */
  readonly signal?: AbortSignal
  /** Milliseconds for which a host that does not answer is tried again, 30 000 when nothing is said. */
  readonly deadlineMs?: number
}

/** Hosts over SSH, or this machine where a spec has no `ssh`; one connection each. */
export function createHostPool(options: HostPoolOptions): HostPool {
  const { hostKeys: policy, knownHosts, pinFile, logger, ...rest } = options
  const hostKeys = createHostKeys({
    logger,
    ...(policy === undefined ? {} : { policy }),
    ...(knownHosts === undefined ? {} : { knownHosts }),
    ...(pinFile === undefined ? {} : { pinFile }),
  })
  const opened = new Map<string, { readonly connection: OpenHost; readonly hosts: Map<string, Host> }>()

  // By where a host is, not by its name: it may be met before its name is known, and two hosts may claim one name.
  const open = (spec: HostSpec): Host => {
    const place = placeOf(spec)
    const entry = opened.get(place) ?? { connection: connectionOf(spec), hosts: new Map() }
    opened.set(place, entry)
    const host = entry.hosts.get(spec.name) ?? entry.connection.as(spec)
    entry.hosts.set(spec.name, host)
    return host
  }
  const connectionOf = (spec: HostSpec): OpenHost => {
    const { ssh } = spec
    if (ssh === undefined) return localHost(spec, rest)
    const { jump } = ssh
    const through =
      jump === undefined ? {} : { dial: (address: string, port: number) => open(jump).connect(port, address) }
    return sshHost(spec, ssh, { ...rest, ...through, hostKeys })
  }
  return {
    view: open,
    host: open,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...opened.values()].map(({ connection }) => connection.close()))
      opened.clear()
    },
  }
}

/** Who logs in where, and through which hosts. */
function placeOf({ address, ssh }: HostSpec): string {
  if (ssh === undefined) return ''
  const { user, port, jump } = ssh
  return `${user}@${address}:${port}${jump === undefined ? '' : ` through ${placeOf(jump)}`}`
}
