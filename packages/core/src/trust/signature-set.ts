import type { BlobStore } from '../image/blobs.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import { mediaTypes } from '../image/oci.ts'
import { manifestSchema, parseJson } from '../image/schemas.ts'
import { trustErrors } from './errors.ts'
import { maxPayloadBytes, payloadType, signatureAnnotation } from './payload.ts'
import type { Signature } from './signature.ts'

/**
 * The signatures of one image as cosign keeps them: an image manifest whose layers are the payloads, each with its signature as
 * an annotation (docs/design/signatures.md).
 */

/** More than anybody makes of one image; the rest is left alone. */
export const maxSignatures = 100

/** The tag under which a registry keeps the signatures of a digest. */
export const signatureTag = (digest: string): string => `${digest.replace(':', '-')}.sig`

/** Whether a manifest is one of signatures. */
export const isSignatureSet = (layers: readonly BlobDescriptor[]): boolean =>
  layers.some(({ mediaType }) => mediaType === payloadType)

/** The payloads that a manifest names. */
export const payloadsOf = (layers: readonly BlobDescriptor[]): BlobDescriptor[] =>
  layers.filter(({ mediaType, size }) => mediaType === payloadType && size <= maxPayloadBytes).slice(0, maxSignatures)

/**
 * The signatures in a manifest of the store.
 * @throws SIGNATURE_DAMAGED, IMAGE_INCOMPLETE, BLOB_CORRUPT
 */
export async function readSignatures(blobs: BlobStore, set: BlobDescriptor, image: string): Promise<Signature[]> {
  const refuse = (reason: string) => trustErrors.SIGNATURE_DAMAGED({ image, reason })
  const { layers } = parseJson(manifestSchema, await blobs.read(set.digest), refuse)
  const signatures: Signature[] = []
  for (const layer of payloadsOf(layers)) {
    const signature = layer.annotations?.[signatureAnnotation]
    if (signature === undefined) throw refuse(`the annotation ${signatureAnnotation} is missing`)
    const payload = await blobs.read(layer.digest, maxPayloadBytes)
    signatures.push({ payload, signature, ...(layer.annotations && { annotations: layer.annotations }) })
  }
  return signatures
}

/** Stores signatures, each once, in the order given; equal ones make an equal manifest. */
export async function writeSignatures(blobs: BlobStore, signatures: readonly Signature[]): Promise<BlobDescriptor> {
  const once = new Map(signatures.map((one) => [`${one.payload.toString('base64')} ${one.signature}`, one]))
  const layers: BlobDescriptor[] = []
  for (const { payload, signature, annotations } of [...once.values()].slice(-maxSignatures)) {
    const notes = { ...annotations, [signatureAnnotation]: signature }
    layers.push({ mediaType: payloadType, ...(await blobs.put(payload)), annotations: notes })
  }
  // What tools that take this for an image look at.
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.imageConfig, ...(await blobs.put(config)) },
      layers,
    }),
  )
  return { mediaType: mediaTypes.manifest, ...(await blobs.put(manifest)) }
}
