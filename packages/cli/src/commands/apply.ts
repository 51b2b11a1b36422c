import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { withClusterOptions } from '../flags/cluster.ts'
import { declare, examples } from '../flags/common.ts'
import type { RunFlags } from './run.ts'

/** `sealer apply`: makes the cluster equal to its Clusterfile. */
export function applyCommand(context: CliContext): Command {
  return withClusterOptions(declare('apply', 'make a cluster equal to its Clusterfile'), { shortHosts: false })
    .option('--dry-run', 'print the plan, change nothing', false)
    .addHelpText(
      'after',
      `
Applied twice, the second run changes nothing. Options win over the file; hosts are added to those of the file.
${examples(['sealer apply -f Clusterfile', 'the cluster of the file'], ['sealer apply -f Clusterfile --dry-run', 'what would be done'])}`,
    )
    .action(async (flags: RunFlags) => {
      const { run } = await import('../actions/run.ts')
      await run(context, undefined, { ...flags, file: flags.file ?? 'Clusterfile' })
    })
}
