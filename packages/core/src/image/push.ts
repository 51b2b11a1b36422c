import type { TransferOptions } from '../sealer.ts'
import { signaturesIn } from '../trust/gate.ts'
import { identitiesOf, isUnder } from '../trust/judge.ts'
import { closureOf } from './closure.ts'
import { imageErrors } from './errors.ts'
import { readPairs, readPlatform } from './read-cluster-image.ts'
import type { Reference } from './reference.ts'
import { fullName, parseReference } from './reference.ts'
import type { RegistryClient } from './registry-client.ts'
import { transfersAtOnce } from './registry-client.ts'
import { sendAttachments } from './remote-attachments.ts'
import { sideBySide } from './side-by-side.ts'
import type { LocalStore } from './store.ts'
import { TransferProgress } from './transfer-progress.ts'

export interface PushReport {
  readonly digest: string
  /** Bytes that went over the wire. */
  readonly sent: number
  /** Bytes that the registry had already, or took from another of its repositories. */
  readonly present: number
  readonly warnings: readonly string[]
}

/**
 * Sends a cluster image to a registry: blobs that it lacks, then the platforms, the index last, so that the tag never points at
 * something unfinished. Its signatures and SBOMs go before the index too: nobody gets it without them.
 * @throws REGISTRY_…, IMAGE_NOT_FOUND, IMAGE_INCOMPLETE when a platform of it was never pulled
 */
export async function pushImage(
  client: RegistryClient,
  store: LocalStore,
  reference: string,
  target: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<PushReport> {
  const root = await store.find(reference)
  const name = parseReference(target)
  const { here, documents, absent, missing } = await closureOf(store.blobs, root, reference)
  const lacking = [...missing, ...absent].map((blob) => blob.digest)
  if (lacking.length > 0) throw imageErrors.IMAGE_INCOMPLETE({ image: reference, missing: lacking })
  const warnings = [
    ...(await pushWarnings(store, reference, target)),
    ...(await signatureWarnings(store, root.digest, name)),
  ]

  const total = [...here.values()].reduce((sum, blob) => sum + blob.size, 0)
  const done: PushReport = { digest: root.digest, sent: 0, present: total, warnings }
  const tag = name.digest ?? name.tag ?? 'latest'
  await sendAttachments(client, store, name, root.digest, { signal })
  if ((await client.digestOfTag(name, tag, { signal })) === root.digest) return done // a registry has all that its tags need

  const lenders = await lendersOf(store, name)
  const progress = new TransferProgress(fullName(name), total, onProgress)
  let sent = 0
  const leaves = [...here.values()].filter((blob) => !documents.includes(blob))
  await sideBySide(
    leaves,
    async (blob, stop) => {
      const transfer = { signal: stop, onBytes: progress.onBytes }
      const isThere = await client.hasBlob(name, blob.digest, transfer)
      if (!isThere && (await client.sendBlob(name, blob, store.blobs, lenders.get(blob.digest), transfer)))
        sent += blob.size
      progress.onBytes(blob, blob.size)
    },
    { limit: transfersAtOnce, signal },
  )
  for (const blob of documents.toReversed()) {
    const under = blob.digest === root.digest ? tag : blob.digest
    await client.sendManifest(name, under, blob, await store.blobs.read(blob.digest), { signal })
    progress.onBytes(blob, blob.size)
  }
  const small = documents.reduce((sum, blob) => sum + blob.size, 0)
  return { ...done, sent: sent + small, present: total - sent - small }
}

/** Which other repository of the same registry probably has a blob: that of an image of the store with the same blob. */
async function lendersOf(store: LocalStore, name: Reference): Promise<ReadonlyMap<string, string>> {
  const lenders = new Map<string, string>()
  for (const image of await store.list()) {
    if (image.reference.startsWith('sha256:')) continue
    const other = parseReference(image.reference)
    if (other.registry !== name.registry || other.repository === name.repository) continue
    const { here } = await closureOf(store.blobs, await store.find(image.reference), image.reference)
    for (const digest of here.keys()) lenders.set(digest, other.repository)
  }
  return lenders
}

/** What a user should know before an image gets this name: parts that were built here must not pass for their makers' own. */
export async function pushWarnings(store: LocalStore, reference: string, target: string): Promise<string[]> {
  const name = parseReference(target)
  if (name.registry !== 'docker.io' || !name.repository.startsWith('sealerio/')) return []
  const built = new Set<string>()
  for (const pair of await readPairs(store.blobs, await store.find(reference), reference)) {
    const { config } = await readPlatform(store.blobs, pair, reference)
    for (const part of config.parts) if (part.source === 'built') built.add(`${part.name} ${part.version}`)
  }
  if (built.size === 0) return []
  const some =
    built.size > 3 ? `${[...built].slice(0, 3).join(', ')} and ${built.size - 3} more` : [...built].join(', ')
  return [
    `${fullName(name)} is an official name, but ${some} were built here and are not what their makers have released.`,
  ]
}

/** Told before somebody finds out by being refused: none of the signatures is under the name that the image gets. */
async function signatureWarnings(store: LocalStore, digest: string, target: Reference): Promise<string[]> {
  const reference = fullName(target)
  const identities = identitiesOf(await signaturesIn(store, { reference, digest }))
  if (identities.length === 0 || identities.some((identity) => isUnder(identity, target))) return []
  return [
    `${reference} is signed as ${identities.join(', ')}; who trusts the key for this name will refuse it. Sign it with --as ${target.registry}/${target.repository} too.`,
  ]
}
