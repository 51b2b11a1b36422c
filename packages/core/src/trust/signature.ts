import { type KeyObject, sign, verify } from 'node:crypto'
import type { PublicKey } from './keys.ts'

/** A payload and the signature of its bytes. */
export interface Signature {
  readonly payload: Buffer
  /** Base64. */
  readonly signature: string
  /** What other tools have written beside it. */
  readonly annotations?: Readonly<Record<string, string>>
}

const maxSignatureLength = 4096

/** Signs bytes: ECDSA and RSA (PKCS #1 v1.5) over SHA-256, as cosign does whatever the curve; Ed25519 over the bytes themselves. */
export const signPayload = (payload: Buffer, key: KeyObject): Signature => ({
  payload,
  signature: sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key).toString('base64'),
})

/** Whether a key has made a signature. Hostile input is simply not signed. */
export function isSignedBy({ key, kind }: PublicKey, { payload, signature }: Signature): boolean {
  if (!isWellFormed(signature)) return false
  const bytes = Buffer.from(signature, 'base64')
  return hashesOf(kind).some((hash) => {
    try {
      return verify(hash, payload, key, bytes)
    } catch {
      return false // OpenSSL refuses some malformed signatures with an error
    }
  })
}

/** Whether a text can be a signature at all. */
export const isWellFormed = (signature: string): boolean =>
  signature.length > 0 && signature.length <= maxSignatureLength && /^[A-Za-z0-9+/]+={0,2}$/.test(signature)

/** Larger curves are used with SHA-256 by some tools, with a hash of their own size by others. */
function hashesOf(kind: string): readonly (string | null)[] {
  if (kind === 'ed25519') return [null]
  if (kind === 'ecdsa-p384') return ['sha256', 'sha384']
  if (kind === 'ecdsa-p521') return ['sha256', 'sha512']
  return ['sha256']
}
