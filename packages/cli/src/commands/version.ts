import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** `sealer version`. */
export function versionCommand(context: CliContext): Command {
  return declare('version', 'print versions')
    .option('--short', 'the version of sealer alone', false)
    .addHelpText('after', examples(['sealer version --output json', 'for a report']))
    .action(async (flags: { readonly short: boolean }) => {
      const { version } = await import('../actions/version.ts')
      version(context, flags.short)
    })
}
