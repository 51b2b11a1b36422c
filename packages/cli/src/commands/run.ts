import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { type ClusterFlags, withClusterOptions } from '../flags/cluster.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `run` and `apply`. */
export interface RunFlags extends ClusterFlags {
  readonly dryRun: boolean
}

/** `sealer run`: the short way from an image to a cluster. */
export function runCommand(context: CliContext): Command {
  return withClusterOptions(declare('run', 'make a running cluster of a cluster image'))
    .argument('[image]', 'a name like dashboard:v1, or an archive (.tar); may stand in the Clusterfile instead')
    .option('--dry-run', 'print the plan, change nothing', false)
    .addHelpText(
      'after',
      examples(
        ['sealer run dashboard:v1 --infra local --masters 1', 'on this machine, a host made for it'],
        [
          'sealer run dashboard:v1 -m 10.0.0.1 -n 10.0.0.4-10.0.0.6 -u ops --pk ~/.ssh/lab',
          'on hosts of yours, over SSH',
        ],
        ['sealer run dashboard:v1 -f Clusterfile --dry-run', 'what would be done'],
      ),
    )
    .action(async (image: string | undefined, flags: RunFlags) => {
      const { run } = await import('../actions/run.ts')
      await run(context, image, flags)
    })
}
