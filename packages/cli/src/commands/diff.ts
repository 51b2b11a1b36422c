import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'

/** `sealer diff`: what makes one image another one. */
export function diffCommand(context: CliContext): Command {
  return withUnsignedOption(declare('diff', 'show what differs between two cluster images'))
    .argument('<before>', 'an image of the store')
    .argument('<after>', 'another one')
    .option('--summary', 'counts instead of every file', false)
    .addHelpText(
      'after',
      examples(['sealer diff dashboard:v1 dashboard:v2', 'files, container images, settings, and the bytes to move']),
    )
    .action(async (before: string, after: string, flags: { readonly summary: boolean }) => {
      const { diff } = await import('../actions/diff.ts')
      await diff(context, before, after, flags)
    })
}
