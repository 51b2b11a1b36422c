import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `images`. */
export interface ImagesFlags {
  readonly digests: boolean
  readonly json: boolean
  readonly quiet: boolean
  readonly heading: boolean
  readonly trunc: boolean
}

/** `sealer images`: what the store holds. */
export function imagesCommand(context: CliContext): Command {
  return declare('images', 'list the cluster images of this machine')
    .alias('ls')
    .option('--digests', 'show digests', false)
    .option('--no-trunc', 'show digests in full')
    .option('-n, --no-heading', 'leave the headings away')
    .option('-q, --quiet', 'digests alone', false)
    .option('--json', 'the same as --output json', false)
    .addHelpText(
      'after',
      examples(['sealer images', 'name, size and age of each'], ['sealer images -q', 'for scripts']),
    )
    .action(async (flags: ImagesFlags) => {
      const { images } = await import('../actions/images.ts')
      await images(context, flags)
    })
}
