import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { errors } from '../errors.ts'
import type { CallableHooks } from '../hooks.ts'
import type { HostPool } from '../hosts/host.ts'
import { createHostPool } from '../hosts/pool.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { Infra } from '../infra.ts'
import type { Journal } from '../journal.ts'
import { journalFile } from '../journal-file.ts'
import type { Logger } from '../logger.ts'
import type { Runtime } from '../runtime.ts'
import type { HostKeyPolicy } from '../sealer.ts'
import type { Secrets } from '../secrets.ts'
import { createScope, type Scope, services } from '../services.ts'
import type { Wanted } from '../wanted.ts'

/** What lives as long as the sealer. */
export interface Foundation {
  readonly home: string
  readonly hooks: CallableHooks
  readonly store: ImageStore
  readonly logger: Logger
  readonly clock: Clock
  readonly secrets: Secrets
  readonly hostKeys: HostKeyPolicy
  readonly knownHosts: readonly string[]
}

/** What lives as long as one run on one cluster. */
export interface Run extends AsyncDisposable {
  readonly id: string
  readonly foundation: Foundation
  readonly wanted: Wanted
  readonly scope: Scope
  readonly infra: Infra
  readonly runtime: Runtime
  readonly hosts: HostPool
  readonly journal: Journal
  readonly signal: AbortSignal
  /** A registry that hosts ask in place of all upstreams, see `RegistryAccess`. */
  readonly pullThrough?: string
}

/** Folder of a cluster with the operator. */
export const clusterFolder = (home: string, cluster: string): string => join(home, 'clusters', cluster)

/** Chooses infra and runtime, and opens what the run needs. What the scope made is closed with it. */
export async function openRun(wanted: Wanted, foundation: Foundation, caller: AbortSignal): Promise<Run> {
  const signal = AbortSignal.any([caller])
  setMaxListeners(0, signal) // every command under way listens to it
  const { hooks, home, clock, logger, secrets, store } = foundation
  const scope = createScope()
  const folder = clusterFolder(home, wanted.cluster)
  const journal = journalFile(join(folder, 'journal.ndjson'))
  scope.provide(services.logger, logger)
  scope.provide(services.clock, clock)
  scope.provide(services.secrets, secrets)
  scope.provide(services.store, store)
  scope.provide(services.journal, journal)
  const infra = await hooks.choose.infra.promise(wanted, scope)
  if (infra === undefined) throw errors.INFRA_NOT_FOUND({ infra: wanted.infra })
  const hosts = createHostPool({
    secrets,
    logger,
    clock,
    hostKeys: foundation.hostKeys,
    knownHosts: foundation.knownHosts,
    pinFile: join(folder, 'known_hosts'),
    signal,
    ...(infra.dial === undefined ? {} : { dial: infra.dial.bind(infra) }),
  })
  scope.provide(services.hosts, hosts)
  const runtime = await hooks.choose.runtime.promise(wanted, scope)
  if (runtime === undefined) throw errors.RUNTIME_NOT_FOUND({ runtime: wanted.runtime })
  return {
    id: `${new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`,
    foundation,
    wanted,
    scope,
    infra,
    runtime,
    hosts,
    journal,
    signal,
    [Symbol.asyncDispose]: async () => {
      await hosts[Symbol.asyncDispose]()
      await scope[Symbol.asyncDispose]()
    },
  }
}
