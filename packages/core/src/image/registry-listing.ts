import { z } from 'zod'
import { SealerError } from '../errors.ts'
import { maxJsonBytes } from './oci.ts'
import { fullName, parseReference } from './reference.ts'
import { registryErrors } from './registry-errors.ts'
import { type Ask, readAtMost } from './registry-http.ts'
import { nextPage } from './registry-referrers.ts'
import { pull, type RegistrySession, type Repository } from './registry-session.ts'
import { parseJson } from './schemas.ts'

/** Lists are hostile: what is no name is left out, and nobody reads more than these. */
const mostPages = 100
const tagsSchema = z.object({ tags: z.array(z.string()).nullish() })
const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() })

/**
 * The tags of a repository as full names (distribution-spec, "Listing Tags").
 * @throws REGISTRY_LACKS, REGISTRY_DENIED, …
 */
export async function listTags(session: RegistrySession, name: Repository, signal?: AbortSignal): Promise<string[]> {
  const first = pull(name, 'GET', 'tags/list?n=1000', signal)
  const tags = await listed(session, first, name.repository, (bytes) => readList(tagsSchema, bytes, first).tags ?? [])
  return namesOf(tags, (tag) => ({ ...name, tag }))
}

/**
 * The repositories of a registry, as far as it tells (distribution's `_catalog`; Docker Hub and others have none).
 * @throws REGISTRY_LACKS, REGISTRY_DENIED, …
 */
export async function listRepositories(
  session: RegistrySession,
  registry: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const scope = 'registry:catalog:*'
  const first: Ask = { method: 'GET', registry, path: '_catalog?n=1000', scope, ...(signal && { signal }) }
  const read = (bytes: Buffer) => readList(catalogSchema, bytes, first).repositories ?? []
  const repositories = await listed(session, first, 'a list of its repositories', read)
  return namesOf(repositories, (repository) => ({ registry, repository }))
}

async function listed(
  session: RegistrySession,
  first: Ask,
  what: string,
  read: (bytes: Buffer) => readonly string[],
): Promise<string[]> {
  const all: string[] = []
  let path: string | undefined = first.path
  for (let page = 0; path !== undefined && page < mostPages; page++) {
    const ask: Ask = { ...first, path }
    const answer = await session.persistent(first.signal, () => session.expect([200], what, ask))
    all.push(...read(await readAtMost(answer.body, maxJsonBytes, first.registry)))
    path = nextPage(answer.headers.link, answer.url)
  }
  return all
}

function readList<T>(schema: z.ZodType<T>, bytes: Buffer, { registry }: Ask): T {
  return parseJson(schema, bytes, (reason) =>
    registryErrors.REGISTRY_INVALID({ registry, reason: `its list is not one: ${reason}` }),
  )
}

function namesOf(texts: readonly string[], reference: (text: string) => Parameters<typeof fullName>[0]): string[] {
  return texts
    .map((text) => fullName(reference(text)))
    .filter(isName)
    .sort()
}

function isName(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch (error) {
    if (SealerError.is(error)) return false
    throw error
  }
}
