import { SealerError } from '../errors.ts'
import { isDigest, parseReference } from '../image/reference.ts'
import type { Repository } from '../image/registry-session.ts'

/** A question that a client puts to a registry which serves many upstreams. */
export type Asked =
  | { readonly kind: 'version' }
  | { readonly kind: 'manifest'; readonly name: Repository; readonly tagOrDigest: string }
  | { readonly kind: 'blob'; readonly name: Repository; readonly digest: string }

const route = /^\/v2\/(?<path>.+)\/(?<kind>manifests|blobs)\/(?<item>[^/]+)$/

/**
 * Reads `/v2/…`. The upstream stands in the query (`ns=docker.io`, as containerd writes it), else it is the first part of the path, with
 * `__` in place of a port's `:`. Undefined: no name of an image, or nothing that is served.
 */
export function askedFor(url: string): Asked | undefined {
  if (!URL.canParse(url, 'http://proxy')) return undefined
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  if (/^\/v2\/?$/.test(pathname)) return { kind: 'version' }
  const { path = '', kind, item = '' } = route.exec(pathname)?.groups ?? {}
  const upstream = searchParams.get('ns')
  const full =
    upstream === null ? path.replace(/^[^/]+/, (first) => first.replaceAll('__', ':')) : `${upstream}/${path}`
  if (kind === 'blobs' && isDigest(item)) return withName(full, '', (name) => ({ kind: 'blob', name, digest: item }))
  if (kind !== 'manifests') return undefined
  const ending = isDigest(item) ? `@${item}` : `:${item}`
  return withName(full, ending, (name) => ({ kind: 'manifest', name, tagOrDigest: item }))
}

function withName(path: string, ending: string, make: (name: Repository) => Asked): Asked | undefined {
  try {
    const { registry, repository } = parseReference(`${path}${ending}`)
    // A name without a registry is completed as docker does: here somebody forgot to say which upstream he means.
    return path.startsWith(`${registry}/`) ? make({ registry, repository }) : undefined
  } catch (error) {
    if (SealerError.is(error)) return undefined
    throw error
  }
}
