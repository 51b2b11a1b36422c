import { z } from 'zod'
import { digestSchema } from '../image/schemas.ts'

/** Media type of a signature's payload. */
export const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
/** Annotation of a payload that holds the signature of its bytes, in base64. */
export const signatureAnnotation = 'dev.cosignproject.cosign/signature'
/** Payloads are some hundred bytes; annotations may make them longer. */
export const maxPayloadBytes = 64 * 1024

const typeOfCosign = 'cosign container image signature'

/** What a signer says. */
export interface Claim {
  /** Digest of the manifest or index that is signed. */
  readonly digest: string
  /** The name under which it is signed: registry and repository, perhaps with a tag. */
  readonly identity: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** "Simple signing" as containers/image defined and cosign uses it; further fields are the signer's affair. */
const payloadSchema = z.object({
  critical: z.object({
    identity: z.object({ 'docker-reference': z.string().max(512) }),
    image: z.object({ 'docker-manifest-digest': digestSchema }),
    type: z.literal(typeOfCosign),
  }),
  optional: z.record(z.string().max(256), z.unknown()).nullish(),
})

/** The bytes to sign. Equal claims give equal bytes, those that cosign makes of them. */
export function writePayload({ digest, identity, annotations }: Claim): Buffer {
  const said = Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': identity },
        image: { 'docker-manifest-digest': digest },
        type: typeOfCosign,
      },
      optional: said.length === 0 ? null : Object.fromEntries(said),
    }),
  )
}

/** What a payload claims, or why it is none. It counts for nothing before its signature is verified. */
export function readPayload(bytes: Buffer): Claim | { readonly problem: string } {
  if (bytes.length > maxPayloadBytes) return { problem: `its payload has more than ${maxPayloadBytes} bytes` }
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return { problem: 'its payload is no JSON' }
  }
  const { data, error } = payloadSchema.safeParse(value)
  if (data === undefined) {
    const issue = error?.issues[0]
    return { problem: `its payload has another form (${issue?.path.join('.')}: ${issue?.message})` }
  }
  return {
    digest: data.critical.image['docker-manifest-digest'],
    identity: data.critical.identity['docker-reference'],
    annotations: data.optional ?? {},
  }
}
