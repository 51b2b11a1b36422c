import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { Attachment } from '../image/attachments.ts'
import type { StoredImage } from '../image/image-store.ts'
import type { LocalStore } from '../image/store.ts'
import type { Logger } from '../logger.ts'
import { trustErrors } from './errors.ts'
import { judge, type Proof } from './judge.ts'
import { payloadType } from './payload.ts'
import type { Signature } from './signature.ts'
import { readSignatures } from './signature-set.ts'
import { TrustedKeys } from './trusted-keys.ts'

/** Where a home keeps whom it trusts. */
export const trustedKeysOf = (home: string): TrustedKeys => new TrustedKeys(join(home, 'trust.json'))

/** Why an image may be used. */
export type Standing =
  /** It was made on this machine. */
  | { readonly kind: 'built' }
  /** A key that is trusted for its name has signed it. */
  | ({ readonly kind: 'signed' } & Proof)
  /** Nobody is trusted for its name, so nothing is proven. */
  | { readonly kind: 'unproven'; readonly signatures: number }

/** What came with an image and is not in the store yet. */
export interface Offered {
  readonly attachments: readonly Attachment[]
  /** Why there may be more. */
  readonly problem?: SealerError
}

type Named = Pick<StoredImage, 'reference' | 'digest'>

export interface GateOptions {
  readonly keys: TrustedKeys
  readonly logger: Logger
  readonly clock: Clock
  /** What would be refused is used, with a warning. */
  readonly insecureUnsigned: boolean
}

/**
 * Decides which images may be looked at (docs/design/signatures.md). What has passed once, passes for as long as this object lives:
 * the bytes behind a digest do not change.
 */
export class TrustGate {
  readonly #options: GateOptions
  readonly #passed = new Set<string>()

  constructor(options: GateOptions) {
    this.#options = options
  }

  /**
   * Lets an image pass, or refuses it. Called before anything of it but its digest has been read.
   * @throws SIGNATURE_MISSING and the other errors of `judge`, TRUST_FILE_INVALID
   */
  async admit(image: Named, store: LocalStore, offered: Offered = { attachments: [] }): Promise<void> {
    if (this.#passed.has(image.digest)) return
    const { logger, insecureUnsigned } = this.#options
    try {
      const standing = await this.standing(image, store, offered)
      if (standing.kind === 'unproven') logger.warn(unprovenText(image, standing.signatures))
    } catch (error) {
      if (!insecureUnsigned || !SealerError.is(error) || error.code === 'TRUST_FILE_INVALID') throw error
      logger.warn(`${error.message} It is used all the same.`)
    }
    this.#passed.add(image.digest)
  }

  /** @throws as `admit`, whatever is said about unsigned images */
  async standing(
    { reference, digest }: Named,
    store: LocalStore,
    offered: Offered = { attachments: [] },
  ): Promise<Standing> {
    if ((await store.origins.of(digest)) === 'built') return { kind: 'built' }
    const { keys, clock } = this.#options
    const vouching = await keys.for(reference)
    const sets = signatureSetsOf([...(await store.attachments(digest)), ...offered.attachments])
    if (vouching.length === 0) return { kind: 'unproven', signatures: sets.length }
    const signatures = (await Promise.all(sets.map((set) => readSignatures(store.blobs, set, reference)))).flat()
    if (signatures.length === 0 && offered.problem !== undefined)
      throw trustErrors.SIGNATURE_MISSING({ image: reference, digest }, { cause: offered.problem })
    return { kind: 'signed', ...judge({ image: reference, digest }, signatures, vouching, clock.now()) }
  }
}

/** All signatures of an image that the store holds. */
export async function signaturesIn(store: LocalStore, { reference, digest }: Named): Promise<Signature[]> {
  const sets = signatureSetsOf(await store.attachments(digest))
  return (await Promise.all(sets.map((set) => readSignatures(store.blobs, set, reference)))).flat()
}

/** One manifest of signatures may come twice, from the store and with the image. */
const signatureSetsOf = (attachments: readonly Attachment[]): Attachment[] => [
  ...new Map(attachments.filter(({ type }) => type === payloadType).map((one) => [one.digest, one])).values(),
]

const unprovenText = ({ reference, digest }: Named, signatures: number): string =>
  signatures === 0
    ? `${reference} was not made here and has no signature; nothing proves who has made it (${digest}).`
    : `${reference} was not made here; it is signed, but no key is trusted for its name (sealer trust add).`
