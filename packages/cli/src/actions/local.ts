import { type LocalCluster, type LocalClusters, localClusters } from '@sealer/infra-local'
import type { LocalCreateFlags, LocalExposeFlags, LocalVerb } from '../commands/local.ts'
import { type CliContext, print, warn } from '../context.ts'
import { errors } from '../errors.ts'
import { table } from '../table.ts'

/** Makes what is missing and starts what is stopped. */
export async function create(context: CliContext, cluster: string, flags: LocalCreateFlags): Promise<void> {
  const made = await withLocal(context, (local) => local.create({ cluster, ...flags }, context.signal))
  print(context, made, (one) => hostTable([one]))
}

/** All hosts of all local clusters. */
export async function list(context: CliContext): Promise<void> {
  const all = await withLocal(context, (local) => local.list())
  print(context, all, hostTable)
}

/** Does one thing to a cluster's hosts or one host. */
export async function act(context: CliContext, verb: LocalVerb, name: string): Promise<void> {
  await withLocal(context, (local) => local[verb](name, context.signal))
  print(context, { [verb]: name }, () => `${name}: ${verb}, done.`)
}

/** Asks, then takes hosts and disks away. A cluster that is installed on them is forgotten by `sealer delete`, not by this. */
export async function remove(context: CliContext, cluster: string, { yes }: { readonly yes: boolean }): Promise<void> {
  if (!yes && !(await context.questions.confirm(`Delete the local hosts of ${cluster} with all their data?`))) {
    throw errors.DECLINED({ what: `sealer local delete ${cluster}` })
  }
  await withLocal(context, (local) => local.delete(cluster))
  await using sealer = await context.openSealer({})
  if ((await sealer.clusters()).some(({ name, infra }) => name === cluster && infra === 'local')) {
    warn(context, `The cluster ${cluster} is still on record; sealer delete ${cluster} forgets it.`)
  }
  print(context, { deleted: cluster }, () => `The local hosts of ${cluster} are gone.`)
}

/** Runs a program with this terminal; the process ends with its exit code. */
export async function exec(context: CliContext, name: string, argv: readonly string[]): Promise<void> {
  context.exitCode = await withLocal(context, (local) => local.exec(name, argv))
}

/** Opens a port of 127.0.0.1. */
export async function expose(context: CliContext, port: number, flags: LocalExposeFlags): Promise<void> {
  const opened = { local: flags.port ?? port, port, ...(flags.host === undefined ? {} : { host: flags.host }) }
  const cluster = await withLocal(context, async (local) => {
    const name = await only(local, flags.cluster)
    await local.expose(name, opened)
    return name
  })
  print(
    context,
    { cluster, ...opened },
    () => `127.0.0.1:${opened.local} leads to port ${port} of ${flags.host ?? `the hosts of ${cluster}`}.`,
  )
}

/** Closes it. */
export async function unexpose(context: CliContext, port: number, flags: LocalExposeFlags): Promise<void> {
  await withLocal(context, async (local) => await local.unexpose(await only(local, flags.cluster), port))
  print(context, { closed: port }, () => `127.0.0.1:${port} is closed.`)
}

async function withLocal<T>({ home }: CliContext, work: (local: LocalClusters) => Promise<T>): Promise<T> {
  using local = await localClusters({ home })
  return await work(local)
}

async function only(local: LocalClusters, named: string | undefined): Promise<string> {
  if (named !== undefined) return named
  const known = (await local.list()).map(({ cluster }) => cluster)
  const [one] = known
  if (one === undefined || known.length > 1) throw errors.CLUSTER_NOT_CHOSEN({ known: known.join(', ') })
  return one
}

const hostTable = (all: readonly LocalCluster[]): string =>
  table(
    ['CLUSTER', 'HOST', 'ROLE', 'ADDRESS', 'STATE', 'EXPOSED'],
    all.flatMap(({ cluster, hosts, exposed }) => {
      const ports = exposed
        .map(({ local, port, host }) => `127.0.0.1:${local}→${host === undefined ? '' : `${host}:`}${port}`)
        .join(' ')
      if (hosts.length === 0) return [[cluster, '', '', '', 'left over: delete it', ports]]
      return hosts.map(({ name, role, address, state }, index) => [
        cluster,
        name,
        role,
        address,
        state,
        index === 0 ? ports : '',
      ])
    }),
  )
