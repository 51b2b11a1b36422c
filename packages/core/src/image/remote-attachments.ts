import { SealerError } from '../errors.ts'
import type { Offered } from '../trust/gate.ts'
import { payloadType } from '../trust/payload.ts'
import { isSignatureSet, readSignatures, signatureTag, writeSignatures } from '../trust/signature-set.ts'
import type { Attachment } from './attachments.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { fullName, type Reference } from './reference.ts'
import type { RegistryClient, Transfer } from './registry-client.ts'
import { artifactSchema, manifestSchema, parseJson } from './schemas.ts'
import type { ChangeAttachments, LocalStore } from './store.ts'

/** What belongs to an image beside its signatures, and goes where it goes. */
const carriedTypes: ReadonlySet<string> = new Set([
  'application/vnd.cyclonedx+json',
  'application/spdx+json',
  'application/vnd.dev.cosign.artifact.sig.v1+json',
])
/** A registry could name any number, of any size. */
const mostReferrers = 20
const mostBytes = 64 * 1024 * 1024

/**
 * Brings what belongs to an image into the store: its signatures, which cosign keeps under a tag, and its referrers. That a registry has
 * none, or does not tell, is no failure here: whoever wants a signature refuses the image without one.
 */
export async function fetchAttachments(
  client: RegistryClient,
  { blobs }: LocalStore,
  name: Reference,
  digest: string,
  transfer: Transfer,
): Promise<Offered> {
  const attachments: Attachment[] = []
  try {
    attachments.push(...(await signaturesOf(client, blobs, name, digest, transfer)))
    const listed = await client.referrers(name, digest, transfer)
    for (const referrer of listed
      .filter(({ artifactType = '' }) => carriedTypes.has(artifactType))
      .slice(0, mostReferrers)) {
      const attachment = await fetchReferrer(client, blobs, name, digest, referrer, transfer)
      if (attachment !== undefined) attachments.push(attachment)
    }
    return { attachments }
  } catch (error) {
    if (!SealerError.is(error)) throw error
    return error.code === 'REGISTRY_LACKS' ? { attachments } : { attachments, problem: error }
  }
}

async function signaturesOf(
  client: RegistryClient,
  blobs: BlobStore,
  name: Reference,
  digest: string,
  transfer: Transfer,
): Promise<Attachment[]> {
  try {
    const { blob, bytes } = await client.manifest(name, signatureTag(digest), transfer)
    return [await bring(client, blobs, name, blob, bytes, payloadType, transfer)]
  } catch (error) {
    if (SealerError.is(error) && error.code === 'REGISTRY_LACKS') return []
    throw error
  }
}

async function fetchReferrer(
  client: RegistryClient,
  blobs: BlobStore,
  name: Reference,
  digest: string,
  referrer: BlobDescriptor,
  transfer: Transfer,
): Promise<Attachment | undefined> {
  const { blob, bytes } = await client.manifest(name, referrer.digest, transfer)
  const manifest = parseJson(artifactSchema, bytes, invalid(name))
  if (manifest.subject?.digest !== digest) return undefined // the list has no say in what belongs to what
  const type = isSignatureSet(manifest.layers) ? payloadType : (manifest.artifactType ?? manifest.config.mediaType)
  return bring(client, blobs, name, blob, bytes, type, transfer)
}

async function bring(
  client: RegistryClient,
  blobs: BlobStore,
  name: Reference,
  blob: BlobDescriptor,
  bytes: Buffer,
  type: string,
  { signal }: Transfer,
): Promise<Attachment> {
  const { config, layers } = parseJson(manifestSchema, bytes, invalid(name))
  const parts = [config, ...layers]
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (size > mostBytes) throw invalid(name)(`what belongs to it has ${size} bytes, at most ${mostBytes} make sense`)
  for (const part of parts) await client.fetchBlob(name, part, blobs, { signal })
  await blobs.put(bytes, { digest: blob.digest })
  return { mediaType: blob.mediaType, digest: blob.digest, size: bytes.length, type }
}

/** What came with an image belongs to it; signatures that are there already stay. */
export const adding =
  (blobs: BlobStore, image: string, attachments: readonly Attachment[]): ChangeAttachments =>
  async (present) => {
    const all = [...present, ...attachments]
    const sets = all.filter(({ type }) => type === payloadType)
    const set = sets.length === 0 ? [] : [{ ...(await united(blobs, sets, image)), type: payloadType }]
    const others = new Map(all.filter(({ type }) => type !== payloadType).map((one) => [one.digest, one]))
    return [...set, ...others.values()]
  }

/**
 * Sends what belongs to an image. Signatures that the registry has already stay: both stand under the one tag that cosign looks for.
 * @throws REGISTRY_…
 */
export async function sendAttachments(
  client: RegistryClient,
  store: LocalStore,
  name: Reference,
  digest: string,
  transfer: Transfer,
): Promise<void> {
  const attachments = await store.attachments(digest)
  const sets = attachments.filter(({ type }) => type === payloadType)
  if (sets.length > 0) await sendSignatures(client, store, name, digest, sets, transfer)
  for (const attachment of attachments.filter(({ type }) => type !== payloadType)) {
    const bytes = await store.blobs.read(attachment.digest)
    await sendParts(client, store.blobs, name, bytes, transfer)
    await client.pushReferrer(name, bytes, transfer)
  }
}

async function sendSignatures(
  client: RegistryClient,
  store: LocalStore,
  name: Reference,
  digest: string,
  sets: readonly Attachment[],
  transfer: Transfer,
): Promise<void> {
  const there = await signaturesOf(client, store.blobs, name, digest, { ...transfer, direct: true })
  const set = await united(store.blobs, [...there, ...sets], fullName(name))
  if (there.some((one) => one.digest === set.digest)) return
  const bytes = await store.blobs.read(set.digest)
  await sendParts(client, store.blobs, name, bytes, transfer)
  await client.sendManifest(name, signatureTag(digest), set, bytes, transfer)
}

async function sendParts(
  client: RegistryClient,
  blobs: BlobStore,
  name: Reference,
  bytes: Buffer,
  { signal }: Transfer,
): Promise<void> {
  const { config, layers } = parseJson(manifestSchema, bytes, invalid(name))
  for (const part of [config, ...layers]) {
    if (!(await client.hasBlob(name, part.digest, { signal })))
      await client.sendBlob(name, part, blobs, undefined, { signal })
  }
}

/** All signatures of several sets as one; a set that holds all of them already stays as it is. */
export async function united(
  blobs: BlobStore,
  sets: readonly BlobDescriptor[],
  image: string,
): Promise<BlobDescriptor> {
  const signatures = await Promise.all(sets.map((set) => readSignatures(blobs, set, image)))
  const count = new Set(signatures.flat().map(({ signature }) => signature)).size
  const whole = sets.find((_, at) => signatures[at]?.length === count)
  return whole ?? (await writeSignatures(blobs, signatures.flat()))
}

const invalid = (name: Reference) => (reason: string) => imageErrors.IMAGE_INVALID({ image: fullName(name), reason })
