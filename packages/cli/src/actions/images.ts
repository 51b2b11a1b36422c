import { platformText, type StoredImage } from '@sealer/core'
import type { ImagesFlags } from '../commands/images.ts'
import { type CliContext, print } from '../context.ts'
import { agoText, bytesText } from '../measures.ts'
import { table } from '../table.ts'

/** Lists the store. */
export async function images(context: CliContext, flags: ImagesFlags): Promise<void> {
  if (flags.json) context.format = 'json'
  await using sealer = await context.openSealer({})
  print(context, await sealer.images.list(), (all) => listText(all, flags))
}

function listText(all: readonly StoredImage[], { digests, quiet, heading, trunc }: ImagesFlags): string {
  const digestOf = (image: StoredImage) => (trunc ? image.digest.replace(/^sha256:/, '').slice(0, 12) : image.digest)
  if (quiet) return all.map(digestOf).join('\n')
  const now = Date.now()
  const rows = all.map((image) => [
    image.reference,
    ...(digests || !trunc ? [digestOf(image)] : []),
    image.platforms.map(platformText).join(','),
    bytesText(image.size),
    agoText(image.created, now),
  ])
  const headings = ['IMAGE', ...(digests || !trunc ? ['DIGEST'] : []), 'PLATFORMS', 'SIZE', 'CREATED']
  const text = table(headings, rows)
  return heading ? text : text.split('\n').slice(1).join('\n')
}
