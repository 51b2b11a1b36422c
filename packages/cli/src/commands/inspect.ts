import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'

/** Flags of `inspect`. */
export interface InspectFlags {
  readonly format?: string
  readonly platform?: string
  readonly tree: boolean
}

/** `sealer inspect`: everything an image says of itself. */
export function inspectCommand(context: CliContext): Command {
  return withUnsignedOption(declare('inspect', 'show what a cluster image holds, as JSON'))
    .argument('<image>')
    .option('-f, --format <template>', 'a Go template instead of JSON: fields as in the JSON, {{json .}} shows them')
    .option('--platform <platform>', 'this platform alone, e.g. linux/arm64')
    .option('--tree', 'the files of its root file system', false)
    .addHelpText(
      'after',
      examples(
        ['sealer inspect dashboard:v1', 'apps, container images and why they are there, parts and their licences'],
        ["sealer inspect dashboard:v1 -f '{{.Digest}}'", 'one field'],
        [
          "sealer inspect dashboard:v1 -f '{{range (index .Platforms 0).Images}}{{println .Reference}}{{end}}'",
          'its container images',
        ],
        ['sealer inspect dashboard:v1 --tree', 'every file with its size'],
      ),
    )
    .action(async (image: string, flags: InspectFlags) => {
      const { inspect } = await import('../actions/inspect.ts')
      await inspect(context, image, flags)
    })
}

/** Flags of `history`. */
export interface HistoryFlags {
  readonly format?: string
  readonly platform?: string
  readonly quiet: boolean
  readonly trunc: boolean
}

/** `sealer history`: how an image came about. */
export function historyCommand(context: CliContext): Command {
  return withUnsignedOption(declare('history', 'show which line of the Kubefile made which layer'))
    .argument('<image>')
    .option('--format <template>', 'a Go template for each layer')
    .option('--platform <platform>', 'this platform alone, e.g. linux/arm64')
    .option('--no-trunc', 'show lines and digests in full')
    .option('-q, --quiet', 'digests alone', false)
    .addHelpText('after', examples(['sealer history dashboard:v1', 'the newest layer first, with its size']))
    .action(async (image: string, flags: HistoryFlags) => {
      const { history } = await import('../actions/inspect.ts')
      await history(context, image, flags)
    })
}
