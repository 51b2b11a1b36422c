import { platformText, type StoredImage } from '@sealer/core'
import type { ImagesFlags } from '../commands/images.ts'
import { type CliContext, print } from '../context.ts'
import { agoText, bytesText } from '../measures.ts'
import { table } from '../table.ts'
import { templateText } from '../template-text.ts'
import { chosen, nameParts } from './images-filter.ts'

/** Lists the store. */
export async function images(context: CliContext, name: string | undefined, flags: ImagesFlags): Promise<void> {
  if (flags.json) context.format = 'json'
  await using sealer = await context.openSealer({})
  const { format, filter } = flags
  const filters = [...(name === undefined ? [] : [`reference=${name}`]), ...filter]
  const all = await chosen(await sealer.images.list(), filters, sealer.images)
  print(context, all, () => (format === undefined ? listText(all, flags) : templateText(format, all.map(fieldsOf))))
}

/** What a template sees of an image: its name in parts, too. */
function fieldsOf(image: StoredImage): object {
  const { repository, tag } = nameParts(image.reference)
  return { ...image, repository, tag, id: image.digest.replace(/^sha256:/, '').slice(0, 12) }
}

/** Gives one more name. */
export async function tag(context: CliContext, image: string, name: string): Promise<void> {
  await using sealer = await context.openSealer({})
  await sealer.images.tag(image, name)
  print(context, { image, name }, () => `${name} is ${image}.`)
}

/** Takes names away, one after the other. */
export async function rmi(context: CliContext, references: readonly string[]): Promise<void> {
  await using sealer = await context.openSealer({})
  const removed: { readonly image: string; readonly freed: number }[] = []
  for (const image of references) {
    const { freed } = await sealer.images.remove(image)
    removed.push({ image, freed })
  }
  print(context, removed, (all) =>
    all.map(({ image, freed }) => `Removed ${image}; ${bytesText(freed)} freed.`).join('\n'),
  )
}

function listText(all: readonly StoredImage[], { digests, quiet, heading, trunc }: ImagesFlags): string {
  const digestOf = (image: StoredImage) => (trunc ? image.digest.replace(/^sha256:/, '').slice(0, 12) : image.digest)
  if (quiet) return all.map(digestOf).join('\n')
  const now = Date.now()
  const shown = digests || !trunc
  const rows = all.map((image) => [
    image.reference,
    ...(shown ? [digestOf(image)] : []),
    image.platforms.map(platformText).join(','),
    bytesText(image.size),
    agoText(image.created, now),
  ])
  return table(['IMAGE', ...(shown ? ['DIGEST'] : []), 'PLATFORMS', 'SIZE', 'CREATED'], rows, { heading })
}
