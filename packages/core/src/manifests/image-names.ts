import { SealerError } from '../errors.ts'
import { fullName, parseReference } from '../image/reference.ts'

/** The full name that a text is, or why it is none. */
export function nameOf(text: string): string | { readonly reason: string } {
  try {
    return fullName(parseReference(text.trim()))
  } catch (error) {
    if (SealerError.is(error)) return { reason: error.message }
    throw error
  }
}

const fileEnding =
  /\.(?:png|svg|jpe?g|gif|ico|webp|bmp|iso|img|qcow2|vmdk|vhdx?|raw|ova|tar|tgz|gz|xz|zip|ya?ml|json)$/i

/**
 * Whether a text under a key such as `image` can be nothing but a container image: it has a tag, a digest or a registry, or, where `bare`
 * names are believed, is `owner/name`. A single word may be anything (an operating system, a picture), and so may a path of files or of a
 * cloud.
 */
export function isPlainly(text: string, { bare }: { readonly bare: boolean }): boolean {
  const name = text.trim()
  if (typeof nameOf(name) !== 'string' || fileEnding.test(name)) return false
  const path = name.split('/')
  const hasTag = name.includes('@') || (path.at(-1) ?? '').includes(':')
  return hasTag || (path.length > 1 && isHost(path[0] ?? '')) || (bare && path.length === 2)
}

const isHost = (part: string): boolean => /[.:]/.test(part) || part === 'localhost'

const strong =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]{1,5})?\/[a-z0-9._/-]+(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/

/** What looks like an image in a text that may say anything, such as an argument: registry, path, and tag or digest. */
export function lookalikeIn(text: string): string | undefined {
  if (text.length > 1024) return undefined
  const candidate = text
    .slice(text.lastIndexOf('=') + 1)
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2')
  if (!strong.test(candidate) || !/[:@]/.test(candidate.slice(candidate.indexOf('/')))) return undefined
  const name = nameOf(candidate)
  return typeof name === 'string' ? name : undefined
}

/** The name that charts and operators keep in pieces. Undefined when a piece is missing, so that the operator fills it in. */
export function joined(pieces: Readonly<Record<string, unknown>>): string | undefined {
  const { registry, repository, repo, image, name, tag, version, imageTag, digest, sha } = pieces
  const path = [textOf(repository) ?? textOf(repo), textOf(image)].filter((part) => part !== undefined).join('/')
  const base = path === '' ? textOf(name) : path
  const pin = textOf(digest) ?? textOf(sha)
  const label = textOf(tag) ?? textOf(version) ?? textOf(imageTag)
  if (base === undefined || (pin === undefined && label === undefined)) return undefined
  const host = textOf(registry)
  const prefix = host === undefined ? '' : `${host.replace(/\/$/, '')}/`
  if (label?.startsWith('sha256:')) return `${prefix}${base}@${label}`
  return `${prefix}${base}${label === undefined ? '' : `:${label}`}${pin === undefined ? '' : `@${pin.startsWith('sha256:') ? pin : `sha256:${pin}`}`}`
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
