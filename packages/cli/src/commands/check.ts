import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { type ClusterFlags, withClusterOptions } from '../flags/cluster.ts'
import { declare, examples } from '../flags/common.ts'

/** `sealer check`: the checks of `run` alone. */
export function checkCommand(context: CliContext): Command {
  return withClusterOptions(declare('check', 'check hosts before anything is installed'))
    .argument('[image]', 'the image that is to run; may stand in the Clusterfile instead')
    .addHelpText(
      'after',
      `
Takes the options of run, changes nothing, and names a remedy for each problem. Exit code 1 when there are problems.
${examples(['sealer check dashboard:v1 -m 10.0.0.1 -n 10.0.0.2', 'are these hosts fit?'], ['sealer check -f Clusterfile --output json', 'for programs'])}`,
    )
    .action(async (image: string | undefined, flags: ClusterFlags) => {
      const { check } = await import('../actions/check.ts')
      await check(context, image, flags)
    })
}
