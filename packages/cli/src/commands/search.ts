import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `search`. */
export interface SearchFlags {
  readonly skipTlsVerify: boolean
}

/** `sealer search`: what a registry has. */
export function searchCommand(context: CliContext): Command {
  return declare('search', 'list the tags of an image, or the images of a registry')
    .argument('<name>', 'an image, a registry, or a registry and a part of a name')
    .option('--skip-tls-verify', 'allow plain HTTP and certificates that cannot be verified', false)
    .addHelpText(
      'after',
      examples(
        ['sealer search sealerio/kubernetes', 'all versions of the base image'],
        ['sealer search registry.example', 'what it holds, where it tells'],
        ['sealer search registry.example/dash', 'all whose name holds "dash"'],
      ),
    )
    .action(async (name: string, flags: SearchFlags) => {
      const { search } = await import('../actions/search.ts')
      await search(context, name, flags)
    })
}
