import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'
import { collect } from '../flags/values.ts'

/** Flags of `delete`. */
export interface DeleteFlags {
  readonly file?: string
  readonly cluster?: string
  readonly masters?: string
  readonly nodes?: string
  readonly plugin: readonly string[]
  readonly acceptNewHostKeys: boolean
  readonly dryRun: boolean
  readonly yes: boolean
  readonly force: boolean
}

/** `sealer delete`: takes a cluster off its hosts. */
export function deleteCommand(context: CliContext): Command {
  return declare('delete', 'take a cluster off its hosts and leave them as they were found')
    .argument('[cluster]', 'its name; may be left away where there is one')
    .option('-f, --file <Clusterfile>', 'the cluster that this file names')
    .addOption(new Option('--Clusterfile <file>').hideHelp())
    .option('-c, --cluster <name>', 'the same as the argument')
    .option('--dry-run', 'print the plan, change nothing', false)
    .option('-y, --yes', 'ask nothing', false)
    .addOption(new Option('--force').default(false).hideHelp())
    .addOption(new Option('-a, --all').default(false).hideHelp())
    .addOption(new Option('-m, --masters <hosts>').hideHelp())
    .addOption(new Option('-n, --nodes <hosts>').hideHelp())
    .option('--accept-new-host-keys', 'trust hosts whose key is not known yet, and pin the key', false)
    .option('--plugin <name>', 'load this installed plugin, too; again for more', collect, [])
    .addHelpText('after', examples(['sealer delete lab', 'asks first'], ['sealer delete lab --yes', 'does not ask']))
    .action(async (cluster: string | undefined, flags: DeleteFlags & { readonly Clusterfile?: string }) => {
      const { remove } = await import('../actions/delete.ts')
      const file = flags.file ?? flags.Clusterfile
      await remove(context, cluster ?? flags.cluster, file === undefined ? flags : { ...flags, file })
    })
}
