import { type Images, platformText, type StoredImage } from '@sealer/core'
import { errors } from '../errors.ts'

/** Whether an image passes a filter. */
type Passes = (image: StoredImage) => boolean | Promise<boolean>

/** The images that pass every filter. @throws OPTION_INVALID */
export async function chosen(
  all: readonly StoredImage[],
  filters: readonly string[],
  images: Images,
): Promise<readonly StoredImage[]> {
  let left = all
  for (const filter of filters) {
    const passes = await filterOf(filter, images)
    const kept = await Promise.all(left.map((image) => passes(image)))
    left = left.filter((_image, at) => kept[at])
  }
  return left
}

async function filterOf(filter: string, images: Images): Promise<Passes> {
  const [key = '', ...rest] = filter.split('=')
  const value = rest.join('=')
  const refuse = (reason: string) => errors.OPTION_INVALID({ option: '--filter', value: filter, reason })
  if (value === '') throw refuse('write it like reference=dashboard:*')
  switch (key) {
    case 'reference':
      return (image) => namesOf(image.reference).some((name) => globbed(value).test(name))
    case 'platform':
      return (image) => image.platforms.some((platform) => platformText(platform) === value)
    case 'label':
      return async ({ reference }) => hasLabel((await images.inspect(reference)).platforms, value)
    case 'before':
    case 'since': {
      const { created } = await images.store.resolve(value)
      return (image) => (key === 'before' ? image.created < created : image.created > created)
    }
    default:
      throw refuse(`"${key}" is none of reference, platform, label, before, since`)
  }
}

function hasLabel(platforms: Awaited<ReturnType<Images['inspect']>>['platforms'], wanted: string): boolean {
  const [name = '', ...value] = wanted.split('=')
  return platforms.some(({ config: { labels } }) => {
    return Object.hasOwn(labels, name) && (value.length === 0 || labels[name] === value.join('='))
  })
}

/** `docker.io/library/web:v1` is also written `web:v1`, `web`, `library/web`, … */
function namesOf(reference: string): string[] {
  const { repository } = nameParts(reference)
  const tag = reference.slice(repository.length)
  const short = [repository, repository.replace(/^docker\.io\//, ''), repository.replace(/^docker\.io\/library\//, '')]
  return [...new Set(short)].flatMap((name) => [name, `${name}${tag}`])
}

/** Repository with its registry, and tag; `<none>` where there is a digest alone. */
export function nameParts(reference: string): { readonly repository: string; readonly tag: string } {
  const [name = ''] = reference.split('@')
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  return { repository: hasTag ? name.slice(0, colon) : name, tag: hasTag ? name.slice(colon + 1) : '<none>' }
}

/** `*` stands for anything, `?` for one character. */
const globbed = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  )
