import { text } from 'node:stream/consumers'
import type { FindReport } from '@sealer/core'
import type { FindFlags } from '../commands/images.ts'
import { type CliContext, print } from '../context.ts'
import { chartWishesOf } from '../flags/charts.ts'
import { imageWishesOf } from '../flags/image-wishes.ts'

/** Shows what a build would pack; what it would leave out is no part of the answer, unless the answer is JSON. */
export async function findImages(context: CliContext, path: string, flags: FindFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const report = await sealer.findImages({
    ...(path === '-' ? { text: await text(context.terminal.stdin) } : { path }),
    ...imageWishesOf(flags),
    charts: chartWishesOf(flags),
    ...(flags.from === undefined ? {} : { from: flags.from }),
    signal: context.signal,
  })
  print(context, report, ({ images }) => images.map((image) => imageText(image, flags)).join('\n'))
  if (context.format === 'text') context.terminal.stderr(context.mask(leftOutText(report)))
}

const imageText = ({ reference, reasons }: FindReport['images'][number], { why }: FindFlags): string =>
  [
    reference,
    ...(why ? reasons.map(({ place, field }) => `    ${place}${field === undefined ? '' : `  ${field}`}`) : []),
  ].join('\n')

function leftOutText({ leftOut }: FindReport): string {
  if (leftOut.length === 0) return ''
  const lines = leftOut.map(({ place, reason }) => `    ${place}: ${reason}\n`)
  return `\nLeft out:\n${lines.join('')}`
}
