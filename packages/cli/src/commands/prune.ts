import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'
import { age, bytes } from '../flags/values.ts'

/** Flags of `prune`. */
export interface PruneFlags {
  readonly dryRun: boolean
  readonly all: boolean
  readonly olderThan?: number
  readonly keepStorage?: number
}

/** `sealer prune`: what nobody needs. */
export function pruneCommand(context: CliContext): Command {
  return declare('prune', 'free the disk of what no image and no build needs')
    .option('--dry-run', 'show what would go, and remove nothing', false)
    .option('-a, --all', 'results of builds whatever their age', false)
    .option('--older-than <age>', 'results of builds not used for this long, e.g. 24h, 30d (7d)', age)
    .option('--keep-storage <size>', 'results of builds beyond this, the least lately used first, e.g. 10GB', bytes)
    .addOption(new Option('-f, --force').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['sealer prune --dry-run', 'what would go'],
        ['sealer prune', 'blobs without a name, broken transfers, layers and files of builds not used for a week'],
        ['sealer prune --keep-storage 10GB', 'no more than this for the next builds'],
      ),
    )
    .action(async (flags: PruneFlags) => {
      const { prune } = await import('../actions/prune.ts')
      await prune(context, flags)
    })
}
