import type { ClusterRecord, ClusterStatus, NodeStatus } from '@sealer/core'
import { type CliContext, print } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { agoText } from '../measures.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'
import { clusterName } from './cluster-name.ts'

/** The records of this machine. */
export async function clusters(context: CliContext): Promise<void> {
  await using sealer = await context.openSealer({})
  print(context, await sealer.clusters(), (all) => table(recordHeadings, all.map(recordRow)))
}

/** The records, and what each cluster says of itself. */
export async function ps(context: CliContext): Promise<void> {
  await using sealer = await context.openSealer({})
  const records = await sealer.clusters()
  const states = await Promise.all(records.map((record) => stateOf(context, record.name)))
  const all = records.map((record, index) => ({ ...record, ...states[index] }))
  print(context, all, (rows) =>
    table(
      [...recordHeadings, 'STATE'],
      rows.map((row) => [...recordRow(row), row.reason ?? row.state ?? '']),
    ),
  )
}

const patience = 10_000

/** A cluster that does not answer in time is no reason to show none. */
async function stateOf(
  context: CliContext,
  cluster: string,
): Promise<{ readonly state: ClusterStatus['state'] | 'unknown'; readonly reason?: string }> {
  try {
    await using sealer = await context.openSealer({ cluster })
    const { state, nodes: all } = await sealer.status(cluster, {
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(patience)]),
    })
    const down = all.filter(({ ready }) => !ready).map(({ name }) => name)
    return { state, ...(down.length === 0 ? {} : { reason: `${state}: ${down.join(', ')} not ready` }) }
  } catch (error) {
    context.signal.throwIfAborted()
    const reason =
      error instanceof Error && error.name === 'TimeoutError'
        ? 'no answer'
        : String(error instanceof Error ? error.message : error)
    return { state: 'unknown', reason: `unknown: ${context.mask(reason).split('\n')[0]}` }
  }
}

/** The hosts of the record. */
export async function hosts(context: CliContext, named: string | undefined): Promise<void> {
  const cluster = await clusterName(context, named)
  await using sealer = await context.openSealer({})
  const record = await sealer.cluster(cluster)
  print(context, record.hosts, (all) =>
    table(
      ['NAME', 'ADDRESS', 'ROLES'],
      all.map(({ name, address, roles }) => [name, address, roles.join(',')]),
    ),
  )
}

/** The nodes as the cluster sees them. */
export async function nodes(context: CliContext, named: string | undefined): Promise<void> {
  const status = await statusOf(context, named)
  print(context, status.nodes, nodeTable)
}

/** How a cluster is; the exit code says it, too. */
export async function health(context: CliContext, named: string | undefined): Promise<void> {
  const status = await statusOf(context, named)
  if (status.state !== 'ready') context.exitCode = exitCodes.failed
  print(context, status, ({ cluster, state, version, nodes: all }) =>
    [
      `${cluster}: ${state}${version === undefined ? '' : `, ${printable(version)}`}`,
      ...(all.length === 0 ? [] : [nodeTable(all)]),
    ].join('\n'),
  )
}

async function statusOf(
  context: CliContext,
  named: string | undefined,
): Promise<ClusterStatus & { readonly cluster: string }> {
  const cluster = await clusterName(context, named)
  await using sealer = await context.openSealer({ cluster })
  return { cluster, ...(await sealer.status(cluster, { signal: context.signal })) }
}

const recordHeadings = ['NAME', 'IMAGE', 'RUNTIME', 'INFRA', 'HOSTS', 'CREATED']
const recordRow = ({ name, image, runtime, infra, hosts: all, created }: ClusterRecord): string[] => [
  name,
  image,
  runtime,
  infra,
  String(all.length),
  agoText(created, Date.now()),
]

const nodeTable = (all: readonly NodeStatus[]): string =>
  table(
    ['NAME', 'ROLES', 'READY', 'VERSION', 'WHY NOT'],
    all.map(({ name, roles, ready, version, reason }) => [
      name,
      roles.join(','),
      ready ? 'yes' : 'no',
      version,
      reason ?? '',
    ]),
  )
