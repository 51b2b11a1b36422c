import { SealerError } from '../errors.ts'
import { payloadType, readPayload } from '../trust/payload.ts'
import { isSignatureSet, readSignatures } from '../trust/signature-set.ts'
import { nameInLayout } from './archives.ts'
import { type Attachment, attachmentEntry, subjectOf } from './attachments.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { isManifestType } from './oci.ts'
import { artifactSchema, parseJson } from './schemas.ts'

/** By these annotations cosign finds what it looks for in a layout (`cosign verify --local-image`, `cosign save`). */
const kind = 'kind'
const kinds = { image: 'dev.cosignproject.cosign/imageIndex', signatures: 'dev.cosignproject.cosign/sigs' } as const

/** Entries of an archive's `index.json`: images by name, and what belongs to them. */
export interface Entries {
  readonly images: readonly BlobDescriptor[]
  /** By the digest that each belongs to. */
  readonly attachments: ReadonlyMap<string, readonly Attachment[]>
}

/**
 * Tells images and what belongs to them apart. What an archive says of that is a hint for finding signatures; it proves nothing.
 * The blobs are in the store.
 */
export async function sortEntries(blobs: BlobStore, entries: readonly BlobDescriptor[]): Promise<Entries> {
  const images: BlobDescriptor[] = []
  const attachments = new Map<string, Attachment[]>()
  for (const entry of entries) {
    const found = isAttachment(entry) ? await readAttachment(blobs, entry) : undefined
    if (found === undefined) images.push(entry)
    for (const subject of found?.subjects ?? [])
      attachments.set(
        subject,
        [...(attachments.get(subject) ?? []), found?.attachment].filter((one) => one !== undefined),
      )
  }
  return { images, attachments }
}

const isAttachment = (entry: BlobDescriptor): boolean =>
  isManifestType(entry.mediaType) &&
  (entry.annotations?.[kind] === kinds.signatures ||
    subjectOf(entry) !== undefined ||
    nameInLayout(entry) === undefined)

async function readAttachment(
  blobs: BlobStore,
  entry: BlobDescriptor,
): Promise<{ readonly attachment: Attachment; readonly subjects: readonly string[] } | undefined> {
  const { mediaType, digest } = entry
  const size = await blobs.size(digest)
  if (size === undefined) return undefined // told as an image without a name
  try {
    const refuse = (reason: string) => new SealerError('core', 'ARCHIVE_INVALID', reason, '')
    const manifest = parseJson(artifactSchema, await blobs.read(digest), refuse)
    const isSet = isSignatureSet(manifest.layers)
    const type = isSet ? payloadType : (manifest.artifactType ?? manifest.config.mediaType)
    const said = subjectOf(entry) ?? manifest.subject?.digest
    if (said === undefined && !isSet) return undefined
    const subjects = said === undefined ? await claimedIn(blobs, entry) : [said]
    return { attachment: { mediaType, digest, size, type }, subjects }
  } catch (error) {
    if (SealerError.is(error)) return undefined
    throw error
  }
}

async function claimedIn(blobs: BlobStore, set: BlobDescriptor): Promise<string[]> {
  const claims = (await readSignatures(blobs, set, 'The archive')).map(({ payload }) => readPayload(payload))
  return [...new Set(claims.flatMap((claim) => ('digest' in claim ? [claim.digest] : [])))]
}

/** Entries for what belongs to an image that is saved, as sealer and cosign find them. */
export const savedEntries = (subject: string, attachments: readonly Attachment[]): BlobDescriptor[] =>
  attachments.map((attachment) => {
    const entry = attachmentEntry(subject, attachment)
    const notes = attachment.type === payloadType ? { [kind]: kinds.signatures } : {}
    return { ...entry, annotations: { ...entry.annotations, ...notes } }
  })

/** What a signed image's own entry says to cosign. */
export const signedImageNotes = (attachments: readonly Attachment[]): Readonly<Record<string, string>> =>
  attachments.some(({ type }) => type === payloadType) ? { [kind]: kinds.image } : {}
