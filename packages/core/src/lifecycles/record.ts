import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMaster } from '../distribution/distribution.ts'
import { clusterPaths } from '../distribution/paths.ts'
import { errors } from '../errors.ts'
import type { HostSpec, HostView } from '../hosts/host.ts'
import type { KnownHost } from '../runtime.ts'
import type { ClusterRecord } from '../sealer.ts'
import type { Step } from '../step.ts'
import type { Wanted } from '../wanted.ts'
import { clusterFolder, type Run } from './run-context.ts'

/** What is remembered of a cluster. References of secrets are kept, their text never. */
export function recordOf(wanted: Wanted, hosts: readonly HostView[], created: number): ClusterRecord {
  return {
    name: wanted.cluster,
    image: wanted.image.reference,
    digest: wanted.image.digest,
    runtime: wanted.runtime,
    infra: wanted.infra,
    hosts: hosts.map(({ spec }) => withoutLiterals(spec)),
    runtimeOptions: wanted.runtimeOptions,
    infraOptions: wanted.infraOptions,
    registry: wanted.registry,
    created,
  }
}

/** A password that was typed on the command line is not written down. */
function withoutLiterals(spec: HostSpec): HostSpec {
  if (spec.ssh === undefined) return spec
  const kept = Object.entries(spec.ssh).filter(
    ([, value]) => !(typeof value === 'string' && value.startsWith('value:')),
  )
  return { ...spec, ssh: Object.fromEntries(kept) as unknown as NonNullable<typeof spec.ssh> }
}

/** Steps that leave a copy of the record on every master, so that no operator's machine is special. */
export function recordSteps(
  { wanted }: Run,
  hosts: readonly KnownHost[],
  members: readonly HostView[],
  after: readonly Step[],
): readonly Step[] {
  const { record } = clusterPaths(wanted.cluster)
  // No times and no logins: the same wish gives the same bytes, and hosts need not know how the operator reaches them.
  const { created: _, hosts: specs, ...rest } = recordOf(wanted, members, 0)
  const text = `${JSON.stringify({ ...rest, hosts: specs.map(({ name, address, roles }) => ({ name, address, roles })) }, null, 2)}\n`
  return hosts
    .filter(({ view }) => isMaster(view))
    .map(({ view }) => ({
      id: `record/${view.name}`,
      title: 'Record the cluster',
      host: view,
      after: after.map((step) => step.id),
      skip: async () => ((await view.read(record)) === text ? 'recorded' : undefined),
      do: async ({ host }) => await host.write(record, text, { mode: 0o600 }),
    }))
}

/** The clusters that this operator's home remembers. */
export function clusterRecords(home: string) {
  const fileOf = (cluster: string) => join(clusterFolder(home, cluster), 'cluster.json')
  const read = async (cluster: string): Promise<ClusterRecord | undefined> => {
    const text = await readFile(fileOf(cluster), 'utf8').catch(whenAbsent)
    return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord)
  }
  const names = async (): Promise<readonly string[]> => (await readdir(join(home, 'clusters')).catch(whenAbsent)) ?? []
  /** A folder alone is what a plan has left, not a cluster. */
  const list = async (): Promise<readonly ClusterRecord[]> => {
    const records = await Promise.all((await names()).toSorted().map(read))
    return records.filter((record) => record !== undefined)
  }
  return {
    read,
    list,
    /** @throws CLUSTER_NOT_FOUND */
    get: async (cluster: string): Promise<ClusterRecord> => {
      const record = await read(cluster)
      if (record !== undefined) return record
      throw errors.CLUSTER_NOT_FOUND({ cluster, known: (await list()).map(({ name }) => name).join(', ') })
    },
    write: async (record: ClusterRecord): Promise<void> => {
      const folder = clusterFolder(home, record.name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const text = `${JSON.stringify(record, null, 2)}\n`
      const beside = `${fileOf(record.name)}.${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
      await writeFile(beside, text, { mode: 0o600 })
      await rename(beside, fileOf(record.name))
    },
    forget: async (cluster: string): Promise<void> =>
      await rm(clusterFolder(home, cluster), { recursive: true, force: true }),
  }
}

function whenAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
