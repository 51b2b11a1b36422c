import type { DeleteFlags } from '../commands/delete.ts'
import { type CliContext, print } from '../context.ts'
import { errors } from '../errors.ts'
import { planText } from '../plan-text.ts'
import { showProgress } from '../progress/progress.ts'
import { clusterName } from './cluster-name.ts'
import { clusterfileWish } from './clusterfile.ts'

/** Asks, then takes the cluster off its hosts. */
export async function remove(context: CliContext, named: string | undefined, flags: DeleteFlags): Promise<void> {
  if (flags.masters !== undefined || flags.nodes !== undefined)
    throw errors.NOT_SUPPORTED_YET({ what: 'Taking single hosts out of a cluster' })
  const wish = flags.file === undefined ? undefined : await clusterfileWish(context, flags.file)
  const cluster = await clusterName(context, named ?? wish?.cluster)
  const { plugin: plugins, acceptNewHostKeys } = flags
  await using sealer = await context.openSealer({
    cluster,
    plugins,
    acceptNewHostKeys,
    ...(wish === undefined ? {} : { wish }),
  })
  const { signal } = context
  if (flags.dryRun) {
    print(context, await sealer.planRemove(cluster, { signal }), planText)
    return
  }
  const { hosts } = await sealer.cluster(cluster)
  const question = `Delete the cluster ${cluster} from ${hosts.map((host) => host.name).join(', ')}? Its data there is lost.`
  if (!flags.yes && !flags.force && !(await context.questions.confirm(question)))
    throw errors.DECLINED({ what: `sealer delete ${cluster}` })
  {
    using progress = showProgress(context)
    await sealer.remove(cluster, { signal, onEvent: progress.onEvent })
  }
  if (context.format === 'json') context.terminal.stdout(`${JSON.stringify({ type: 'deleted', cluster })}\n`)
  else print(context, cluster, (name) => `Cluster ${name} is deleted.`)
}
