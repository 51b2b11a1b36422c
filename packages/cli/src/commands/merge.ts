import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'
import { list } from '../flags/values.ts'

/** Flags of `merge`. */
export interface MergeFlags {
  readonly tag?: string
  readonly targetImage?: string
  readonly platform?: readonly string[]
  readonly skipTlsVerify: boolean
  readonly quiet: boolean
}

/** `sealer merge`: one image of several. */
export function mergeCommand(context: CliContext): Command {
  return withUnsignedOption(declare('merge', 'make one cluster image of several'))
    .argument('<images...>', 'the later over the earlier; those that are not on this machine are pulled')
    .option('-t, --tag <name>', 'name of the new image, e.g. shop-cluster:v1')
    .addOption(new Option('--target-image <name>').hideHelp())
    .option('--platform <list>', 'these platforms alone; by itself those that all images have', list)
    .option('--skip-tls-verify', 'allow plain HTTP and certificates that cannot be verified', false)
    .option('-q, --quiet', 'show no progress', false)
    .addHelpText(
      'after',
      examples(
        ['sealer merge kubernetes:v1.34.4 shop:v1 -t shop-cluster:v1', 'an app image on a base: a cluster to run'],
        ['sealer merge shop-cluster:v1 metrics:v2 -t site:v1 --platform linux/arm64', 'one platform of both'],
      ),
    )
    .action(async (images: string[], flags: MergeFlags) => {
      const { merge } = await import('../actions/merge.ts')
      await merge(context, images, flags)
    })
}
