import type { SealerError } from '../errors.ts'
import { parseReference, type Reference, readReference } from '../image/reference.ts'
import { trustErrors } from './errors.ts'
import { type PublicKey, shortId } from './keys.ts'
import { matches, type NamePattern } from './name-pattern.ts'
import { type Claim, readPayload } from './payload.ts'
import { isSignedBy, isWellFormed, type Signature } from './signature.ts'

/** A key, and what it may vouch for. */
export interface Vouching {
  readonly key: PublicKey
  /** Names that its signatures may be made for; the name of the image itself when nothing is said. */
  readonly identity?: NamePattern
  /** Milliseconds since 1970. */
  readonly until?: number
}

/** An image by the name that it is asked for by, and what it is. */
export interface Judged {
  /** Full name. */
  readonly image: string
  readonly digest: string
}

/** Who has signed what. */
export interface Proof {
  readonly key: PublicKey
  readonly claim: Claim
}

/**
 * Looks for a signature of the image, under its name, by one of the keys.
 * @throws SIGNATURE_MISSING, SIGNATURE_UNTRUSTED, SIGNATURE_DAMAGED, SIGNATURE_OF_OTHER_IMAGE, SIGNATURE_FOR_OTHER_NAME, SIGNATURE_KEY_EXPIRED:
 * the one that comes nearest to what is wanted
 */
export function judge(judged: Judged, signatures: readonly Signature[], keys: readonly Vouching[], now: number): Proof {
  const { image, digest } = judged
  if (signatures.length === 0) throw trustErrors.SIGNATURE_MISSING({ image, digest })
  const failures: Failure[] = []
  for (const signature of signatures) {
    const vouching = keys.filter(({ key }) => isSignedBy(key, signature))
    const found = vouching.map((one) => known(judged, signature, one, now))
    for (const one of found.length > 0 ? found : [unknown(judged, signature)]) {
      if ('key' in one) return one
      failures.push(one)
    }
  }
  const [nearest] = failures.toSorted((a, b) => b.nearness - a.nearness)
  if (nearest?.error !== undefined) throw nearest.error
  throw trustErrors.SIGNATURE_UNTRUSTED({
    image,
    count: signatures.length,
    keys: keys.map(({ key }) => shortId(key.id)),
  })
}

/** Why a signature does not count. The nearer it comes to one that does, the more it says. */
interface Failure {
  readonly nearness: number
  /** Absent: nobody who is known has signed. */
  readonly error?: SealerError
}

function unknown({ image }: Judged, { signature }: Signature): Proof | Failure {
  if (isWellFormed(signature)) return { nearness: 1 }
  return { nearness: 0, error: trustErrors.SIGNATURE_DAMAGED({ image, reason: 'it is no base64' }) }
}

function known({ image, digest }: Judged, { payload }: Signature, vouching: Vouching, now: number): Proof | Failure {
  const claim = readPayload(payload)
  if ('problem' in claim) return { nearness: 2, error: trustErrors.SIGNATURE_DAMAGED({ image, reason: claim.problem }) }
  if (claim.digest !== digest)
    return { nearness: 3, error: trustErrors.SIGNATURE_OF_OTHER_IMAGE({ image, digest, signed: claim.digest }) }
  if (!isFor(claim.identity, image, vouching.identity))
    return { nearness: 4, error: trustErrors.SIGNATURE_FOR_OTHER_NAME({ image, signed: claim.identity }) }
  if (vouching.until !== undefined && vouching.until <= now) {
    const until = new Date(vouching.until).toISOString().slice(0, 10)
    const key = shortId(vouching.key.id)
    return { nearness: 5, error: trustErrors.SIGNATURE_KEY_EXPIRED({ image, key, until }) }
  }
  return { key: vouching.key, claim }
}

/** The names under which an image is signed, whoever has signed. */
export const identitiesOf = (signatures: readonly Signature[]): string[] => [
  ...new Set(
    signatures.flatMap(({ payload }) => {
      const claim = readPayload(payload)
      return 'identity' in claim ? [claim.identity] : []
    }),
  ),
]

/** Whether a signature under this name holds for an image; registries and repositories are compared as docker completes them, and a tag holds for that tag alone. */
export function isUnder(identity: string, asked: Reference): boolean {
  const signed = readReference(identity)
  if (signed === undefined || signed.registry !== asked.registry || signed.repository !== asked.repository) return false
  return !/:[^/]+$/.test(identity) || asked.tag === undefined || signed.tag === asked.tag
}

function isFor(identity: string, image: string, pattern: NamePattern | undefined): boolean {
  if (pattern === undefined) return isUnder(identity, parseReference(image))
  const signed = readReference(identity)
  return signed !== undefined && matches(pattern, signed)
}
