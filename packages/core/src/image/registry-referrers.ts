import { z } from 'zod'
import { SealerError } from '../errors.ts'
import { digestOf } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { maxJsonBytes, mediaTypes } from './oci.ts'
import type { RegistryClient, Transfer } from './registry-client.ts'
import { registryErrors } from './registry-errors.ts'
import { readAtMost } from './registry-http.ts'
import { pull, push, type RegistrySession, type Repository } from './registry-session.ts'
import { descriptorSchema, manifestSchema, parseJson } from './schemas.ts'

/** Something that belongs to a manifest, e.g. a signature of it. */
export interface Referrer extends BlobDescriptor {
  readonly artifactType?: string
}

const referrerSchema = descriptorSchema.extend({ artifactType: z.string().max(255).exactOptional() })
/** Hostile like every document of a registry: bounded, and what it names is proven by its digest when it is fetched. */
const listSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).exactOptional(),
  manifests: z.array(referrerSchema).max(1000),
})
const subjectSchema = manifestSchema.extend({ subject: descriptorSchema })

/** Most pages of a list that are read; with 1000 entries each that is far more than anybody signs. */
const maxPages = 20

/** The tag under which a registry without the interface keeps the list (distribution-spec, "Referrers Tag Schema"). */
const fallbackTag = (digest: string): string => digest.replace(':', '-')

/** See `RegistryClient.referrers`. */
export async function listReferrers(
  client: RegistryClient,
  session: RegistrySession,
  name: Repository,
  digest: string,
  { signal, artifactType }: Transfer & { readonly artifactType?: string },
): Promise<readonly Referrer[]> {
  const offered = await byInterface(session, name, digest, signal)
  const all = offered ?? (await byTag(client, name, digest, signal)).manifests
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType)
}

/** See `RegistryClient.pushReferrer`. */
export async function sendReferrer(
  client: RegistryClient,
  session: RegistrySession,
  name: Repository,
  bytes: Buffer,
  { signal }: Transfer,
): Promise<BlobDescriptor> {
  const refuse = (reason: string) => new Error(`This is no manifest with a subject: ${reason}`)
  const { subject, config, artifactType = config.mediaType, annotations } = parseJson(subjectSchema, bytes, refuse)
  const blob = { mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length }
  const listed = await session.persistent(signal, async () => {
    const ask = push(name, 'PUT', `manifests/${blob.digest}`, signal, { 'content-type': blob.mediaType })
    const answer = await session.expect([200, 201, 202], `the manifest ${blob.digest}`, { ...ask, body: () => bytes })
    await answer.body.dump()
    return answer.headers['oci-subject'] === subject.digest // the registry keeps the list itself
  })
  if (listed) return blob
  const { manifests } = await byTag(client, name, subject.digest, signal)
  if (manifests.some((one) => one.digest === blob.digest)) return blob
  const entry: Referrer = { ...blob, artifactType, ...(annotations && { annotations }) }
  const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...manifests, entry] }
  const listBytes = Buffer.from(JSON.stringify(list))
  const listBlob = { mediaType: mediaTypes.index, digest: digestOf(listBytes), size: listBytes.length }
  await client.sendManifest(name, fallbackTag(subject.digest), listBlob, listBytes, { signal })
  return blob
}

/** Undefined: the registry has no such interface. */
async function byInterface(
  session: RegistrySession,
  name: Repository,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<Referrer[] | undefined> {
  const found: Referrer[] = []
  let path: string | undefined = `referrers/${digest}`
  for (let page = 0; path !== undefined && page < maxPages; page++) {
    const answer = await session.persistent(signal, () =>
      session.expect([200, 400, 404, 405], 'the list of referrers', {
        ...pull(name, 'GET', path ?? '', signal, { accept: mediaTypes.index }),
      }),
    )
    if (answer.status !== 200) {
      await answer.body.dump()
      return undefined
    }
    const bytes = await readAtMost(answer.body, maxJsonBytes, name.registry)
    found.push(...listIn(bytes, name).manifests)
    path = nextPage(answer.headers.link, answer.url)
  }
  return found
}

async function byTag(client: RegistryClient, name: Repository, digest: string, signal: AbortSignal | undefined) {
  try {
    const { bytes } = await client.manifest(name, fallbackTag(digest), { signal, direct: true })
    return listIn(bytes, name)
  } catch (error) {
    if (SealerError.is(error) && error.code === 'REGISTRY_LACKS') return { manifests: [] }
    throw error
  }
}

function listIn(bytes: Buffer, { registry }: Repository): { readonly manifests: readonly Referrer[] } {
  return parseJson(listSchema, bytes, (reason) =>
    registryErrors.REGISTRY_INVALID({ registry, reason: `its list of referrers is not one: ${reason}` }),
  )
}

/** `Link: <…>; rel="next"` (RFC 8288), within the same registry. */
export function nextPage(link: string | string[] | undefined, from: URL): string | undefined {
  const next = /<([^>]{1,2048})>\s*;[^,]*rel="?next"?/.exec(String(link ?? '').slice(0, 8192))?.[1]
  if (next === undefined || !URL.canParse(next, from.href)) return undefined
  const url = new URL(next, from)
  return url.origin === from.origin ? url.href : undefined
}
