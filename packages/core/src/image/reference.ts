import { SealerError } from '../errors.ts'
import { imageErrors } from './errors.ts'

/** The parts of an image's name, completed as docker does. */
export interface Reference {
  /** Host and port as pods write it: `docker.io`, `registry:5000`, `[::1]:5000`. */
  readonly registry: string
  /** Path below the registry, e.g. `library/nginx`. */
  readonly repository: string
  readonly tag?: string
  /** `sha256:` and 64 hex digits. */
  readonly digest?: string
}

// The grammar of distribution/reference. Each pattern reads its text once: no two parts of it can match the same characters.
const registryPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?$/
const componentPattern = /^[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*$/
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/
const digestPattern = /^sha256:[a-f0-9]{64}$/

/** Whether the text is a digest that sealer takes: sha256, 64 lower-case hex digits. */
export const isDigest = (text: string): boolean => digestPattern.test(text)

/**
 * Reads a name as docker does: `nginx` is `docker.io/library/nginx:latest`; the first part is a registry when it has a
 * dot, a port or capitals, or is `localhost`.
 * @throws REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  const refuse = (reason: string) => imageErrors.REFERENCE_INVALID({ reference: printable(text), reason })
  if (text.length > 512) throw refuse('it is longer than 512 characters')

  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) throw refuse('after "@" stands no sha256 digest of 64 hex digits')

  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  if (tag !== undefined && !tagPattern.test(tag)) throw refuse(`"${printable(tag)}" cannot be a tag`)

  const { registry, repository } = splitRegistry(tag === undefined ? named : named.slice(0, colon))
  if (!registryPattern.test(registry) || registry.includes('..'))
    throw refuse(`"${printable(registry)}" cannot be a registry`)
  const bad = repository.split('/').find((component) => !componentPattern.test(component))
  if (bad !== undefined)
    throw refuse(`"${printable(bad)}" cannot be part of a name (lower case letters, digits, single . _ -)`)
  if (registry.length + repository.length > 254) throw refuse('it is longer than 255 characters')
  if (/^[a-f0-9]{64}$/.test(named)) throw refuse('64 hex digits are a digest; write sha256: before them')

  return {
    registry,
    repository,
    ...(tag === undefined && digest === undefined ? { tag: 'latest' } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** A text as a name, as far as it is one. */
export function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (SealerError.is(error)) return undefined
    throw error
  }
}

/** The one way to write a reference: `docker.io/library/nginx:1.25`, `quay.io/x/y@sha256:…`. */
export function fullName({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function splitRegistry(path: string): { registry: string; repository: string } {
  const slash = path.indexOf('/')
  const first = slash < 0 ? '' : path.slice(0, slash)
  const isRegistry = /[.:A-Z]/.test(first) || first === 'localhost'
  const registry = isRegistry ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io'
  const repository = isRegistry ? path.slice(slash + 1) : path
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
  }
}

/** Hostile names end up in messages: no control characters, no novels. */
const printable = (text: string): string => {
  const clean = text.replace(/[^\x20-\x7e]/g, '?')
  return clean.length > 100 ? `${clean.slice(0, 100)}…` : clean
}
