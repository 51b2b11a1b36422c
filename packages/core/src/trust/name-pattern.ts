import { SealerError } from '../errors.ts'
import { parseReference, type Reference } from '../image/reference.ts'
import { trustErrors } from './errors.ts'

/** Matches names of images without their tags: `*` stands for a part between slashes, `**` for any number of them. */
export type NamePattern = string

const maxStars = 6

/**
 * A pattern as it is kept: a name without stars is completed as docker does.
 * @throws TRUST_RULE_INVALID
 */
export function readPattern(text: string, what: string): NamePattern {
  const refuse = (reason: string) => trustErrors.TRUST_RULE_INVALID({ what, text: text.slice(0, 100), reason })
  if (text.length === 0 || text.length > 255) throw refuse('it has 1 to 255 characters')
  if (!text.includes('*')) {
    const name = nameIn(text, refuse)
    if (/:[^/]+$|@/.test(text)) throw refuse('it names images without tag and digest')
    return `${name.registry}/${name.repository}`
  }
  if (!/^[A-Za-z0-9._:/[\]*-]+$/.test(text)) throw refuse('it holds a character that no name of an image has')
  if ((text.match(/\*+/g) ?? []).length > maxStars) throw refuse(`it has more than ${maxStars} stars`)
  if (/^[^*/]*$/.test(text.split('/')[0] ?? '') && !/[.:]|^localhost$/.test(text.split('/')[0] ?? ''))
    throw refuse(`it begins with no registry; of Docker Hub: docker.io/${text}`)
  return text
}

/** Whether a pattern holds for an image's registry and repository. */
export function matches(pattern: NamePattern, { registry, repository }: Reference): boolean {
  const source = pattern
    .split(/(\*+)/)
    .map((part) =>
      part.startsWith('**') ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.[\]\\^$+?(){}|/-]/g, '\\$&'),
    )
    .join('')
  return new RegExp(`^${source}$`).test(`${registry}/${repository}`)
}

function nameIn(text: string, refuse: (reason: string) => Error): Reference {
  try {
    return parseReference(text)
  } catch (error) {
    if (SealerError.is(error)) throw refuse('it is no name of an image')
    throw error
  }
}
