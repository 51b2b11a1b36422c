import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

const whichCluster = 'its name; may be left away where there is one'

/** `sealer ps`: the clusters and how they are. */
export function psCommand(context: CliContext): Command {
  return declare('ps', 'list clusters and how they are')
    .addHelpText('after', examples(['sealer ps', 'asks each cluster, for ten seconds at most']))
    .action(async () => {
      const { ps } = await import('../actions/get.ts')
      await ps(context)
    })
}

/** `sealer get clusters | hosts | nodes | health`. */
export function getCommand(context: CliContext): Command {
  const get = declare('get', 'show clusters, hosts, nodes or health').addHelpText(
    'after',
    examples(
      ['sealer get hosts lab', 'names, addresses and roles'],
      ['sealer get health lab --output json', 'for a monitor; exit code 1 unless ready'],
    ),
  )
  get.addCommand(
    declare('clusters', 'list the clusters that this machine remembers')
      .alias('cluster')
      .addHelpText('after', examples(['sealer get clusters', 'asks none of them; sealer ps does']))
      .action(async () => {
        const { clusters } = await import('../actions/get.ts')
        await clusters(context)
      }),
  )
  get.addCommand(
    declare('hosts', 'list the hosts of a cluster')
      .alias('host')
      .argument('[cluster]', whichCluster)
      .addHelpText('after', examples(['sealer get hosts lab', 'names, addresses and roles']))
      .action(async (cluster: string | undefined) => {
        const { hosts } = await import('../actions/get.ts')
        await hosts(context, cluster)
      }),
  )
  get.addCommand(
    declare('nodes', 'list the nodes as the cluster sees them')
      .alias('node')
      .argument('[cluster]', whichCluster)
      .addHelpText('after', examples(['sealer get nodes lab', 'which are ready, and why not']))
      .action(async (cluster: string | undefined) => {
        const { nodes } = await import('../actions/get.ts')
        await nodes(context, cluster)
      }),
  )
  get.addCommand(
    declare('health', 'tell whether a cluster is ready')
      .argument('[cluster]', whichCluster)
      .addHelpText('after', examples(['sealer get health lab --output json', 'exit code 1 unless ready']))
      .action(async (cluster: string | undefined) => {
        const { health } = await import('../actions/get.ts')
        await health(context, cluster)
      }),
  )
  return get
}
