import type { BlobDescriptor } from './cluster-config.ts'
import { annotations, mediaTypes } from './oci.ts'

/** A manifest that belongs to an image: its signatures, its SBOM. In a layout it is an entry of `index.json` without a name. */
export interface Attachment extends BlobDescriptor {
  /** Artifact type; of signatures, the type of their payloads. */
  readonly type: string
}

/** What belongs to a digest, in the order in which it came. */
export const attachmentsIn = (entries: readonly BlobDescriptor[], subject: string): Attachment[] =>
  entries
    .filter((entry) => subjectOf(entry) === subject)
    .map(({ mediaType, digest, size, annotations: notes }) => ({
      mediaType,
      digest,
      size,
      type: notes?.[annotations.attachedAs] ?? '',
    }))

/** The entry of an attachment. */
export const attachmentEntry = (subject: string, { digest, size, type }: Attachment): BlobDescriptor => ({
  mediaType: mediaTypes.manifest,
  digest,
  size,
  annotations: { [annotations.attachedTo]: subject, [annotations.attachedAs]: type },
})

/** Without what belongs to nothing any more. */
export function withoutOrphans<Any extends BlobDescriptor>(entries: readonly Any[]): Any[] {
  const kept = new Set(entries.filter((entry) => subjectOf(entry) === undefined))
  for (let before = -1; before < kept.size; ) {
    before = kept.size
    const digests = new Set([...kept].map((entry) => entry.digest))
    for (const entry of entries) if (digests.has(subjectOf(entry) ?? '')) kept.add(entry)
  }
  return entries.filter((entry) => kept.has(entry))
}

/** Digest of what an entry belongs to; undefined for an image. */
export const subjectOf = ({ annotations: notes }: BlobDescriptor): string | undefined => notes?.[annotations.attachedTo]
