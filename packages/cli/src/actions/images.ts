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

/** A container image that a cluster image carries, for all platforms that do. */
interface Carried {
  readonly reference: string
  readonly platforms: readonly string[]
  readonly apps: readonly string[]
  /** Of what the name points at: for several platforms an index, the same for all. */
  readonly digests: readonly string[]
  /** Bytes, of all platforms together. */
  readonly size: number
  readonly reasons: readonly string[]
}

/** Lists the container images that a cluster image carries. */
export async function carried(context: CliContext, reference: string, flags: ImagesFlags): Promise<void> {
  if (flags.json) context.format = 'json'
  await using sealer = await context.openSealer({})
  const { platforms } = await sealer.images.inspect(reference)
  const found = new Map<string, Carried>()
  const counted = new Set<string>()
  for (const { config, images: carriedHere } of platforms) {
    for (const image of carriedHere) {
      const before = found.get(image.reference)
      const fresh = image.blobs.filter(({ digest }) => !counted.has(`${image.reference} ${digest}`))
      for (const { digest } of fresh) counted.add(`${image.reference} ${digest}`)
      found.set(image.reference, {
        reference: image.reference,
        platforms: union(before?.platforms, [platformText(config.platform)]),
        apps: union(before?.apps, image.apps),
        digests: union(before?.digests, [image.digest]),
        size: (before?.size ?? 0) + fresh.reduce((sum, { size }) => sum + size, 0),
        reasons: union(before?.reasons, image.reasons),
      })
    }
  }
  print(context, [...found.values()], (all) => (flags.why ? all.map(whyText).join('\n') : carriedText(all, flags)))
}

const union = (before: readonly string[] = [], more: readonly string[]): string[] => [...new Set([...before, ...more])]
const whyText = ({ reference, reasons }: Carried): string =>
  [reference, ...reasons.map((one) => `    ${one}`)].join('\n')

function carriedText(all: readonly Carried[], { heading, trunc }: ImagesFlags): string {
  const rows = all.map(({ reference, apps, platforms, digests, size }) => [
    reference,
    apps.join(','),
    platforms.join(','),
    bytesText(size),
    digests.map((digest) => (trunc ? digest.replace(/^sha256:/, '').slice(0, 12) : digest)).join(','),
  ])
  return table(['CONTAINER IMAGE', 'APPS', 'PLATFORMS', 'SIZE', 'DIGEST'], rows, { heading })
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
