import type { MergeFlags } from '../commands/merge.ts'
import { type CliContext, print, warn } from '../context.ts'
import { errors } from '../errors.ts'
import { showTransfer } from '../progress/transfer.ts'
import { platformOf } from './platform.ts'

/** Makes one image of several. */
export async function merge(context: CliContext, images: readonly string[], flags: MergeFlags): Promise<void> {
  const tag = flags.tag ?? flags.targetImage
  if (tag === undefined) throw errors.OPTION_INVALID({ option: 'tag', value: '', reason: 'name the new image' })
  await using sealer = await context.openSealer({})
  using transfer = showTransfer(context, flags.quiet)
  const report = await sealer.images.merge(images, tag, {
    insecure: flags.skipTlsVerify,
    ...(flags.platform && { platforms: flags.platform.map(platformOf) }),
    onProgress: transfer.onProgress,
    signal: context.signal,
  })
  for (const warning of report.warnings) warn(context, warning)
  print(context, report, ({ reference, digest }) => `Merged ${images.join(' and ')} as ${reference}.\n${digest}`)
}
