import type { KeyObject } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { adding } from '../image/remote-attachments.ts'
import type { LocalStore } from '../image/store.ts'
import type { SecretRef, Secrets } from '../secrets.ts'
import { trustErrors } from './errors.ts'
import { signaturesIn } from './gate.ts'
import { judge, type Vouching } from './judge.ts'
import { publicHalf, readPrivateKey, readPublicKey } from './keys.ts'
import { readPattern } from './name-pattern.ts'
import { payloadType, writePayload } from './payload.ts'
import { isSignedBy, signPayload } from './signature.ts'
import { writeSignatures } from './signature-set.ts'
import type { TrustedKey, TrustedKeys } from './trusted-keys.ts'

/** Where a key stands: a file's path, or `env:NAME`. */
export type KeyRef = string

/** How an image is signed. */
export interface SignOptions {
  readonly key: KeyRef
  /** Password of the key, if it has one; asked for when nothing is said. */
  readonly password?: SecretRef
  /** The name to sign it under; by itself the image's own, without its tag. */
  readonly identity?: string
  /** Said by the signer beside it. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** A signature that counts. */
export interface SignatureReport {
  readonly image: string
  readonly digest: string
  /** Name under which it is signed. */
  readonly identity: string
  /** Id of the key. */
  readonly key: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A key that this machine trusts, as people name it. */
export interface TrustRule {
  /** sha256 of the key. */
  readonly id: string
  /** `ecdsa-p256`, `rsa-3072`, `ed25519` … */
  readonly kind: string
  /** Pattern of the images that must be signed by it. */
  readonly for: string
  /** Pattern of the names under which they may be signed, where it is not their own. */
  readonly identity?: string
  /** Milliseconds since 1970. */
  readonly until?: number
}

/** What is said when a key becomes trusted; all images when no pattern is given. */
export interface TrustOptions {
  readonly for?: string
  readonly identity?: string
  /** A day or a moment, as ISO 8601 writes it. */
  readonly until?: string
}

/**
 * Signs the digest of an image of the store. Signed again with the same key under the same name, nothing is added.
 * @throws IMAGE_NOT_FOUND, SIGNING_KEY_INVALID, SIGNING_KEY_PASSWORD_WRONG, SECRET_UNREADABLE
 */
export async function signImage(
  store: LocalStore,
  reference: string,
  { key: where, password = `prompt:Password of ${where}`, identity, annotations = {} }: SignOptions,
  secrets: Secrets,
): Promise<SignatureReport> {
  const image = await store.resolve(reference)
  const key = await readPrivateKey(await secrets.read(refOf(where)), where, () => secrets.read(password))
  const claim = { digest: image.digest, identity: identity ?? repositoryOf(image.reference), annotations }
  if (identity !== undefined) parseReference(identity)
  const report = { image: image.reference, key: publicHalf(key).id, ...claim }
  const payload = writePayload(claim)
  if (await isSigned(store, image, payload, key)) return report
  const set = await writeSignatures(store.blobs, [signPayload(payload, key)])
  await store.attach(image.digest, adding(store.blobs, image.reference, [{ ...set, type: payloadType }]))
  return report
}

/**
 * Verifies an image of the store: by the key given, whose signature must be under the image's own name or one of a pattern, else by the
 * keys that are trusted for its name.
 * @throws IMAGE_NOT_FOUND, SIGNATURE_MISSING and the other errors of `judge`, TRUSTED_KEY_NOT_FOUND when no key is given or trusted
 */
export async function verifyImage(
  store: LocalStore,
  reference: string,
  { key: where, identity }: { readonly key?: KeyRef; readonly identity?: string },
  { secrets, keys, clock }: { readonly secrets: Secrets; readonly keys: TrustedKeys; readonly clock: Clock },
): Promise<SignatureReport> {
  const image = await store.resolve(reference)
  const vouching = where === undefined ? await keys.for(image.reference) : [await given(where, identity, secrets)]
  if (vouching.length === 0) throw trustErrors.TRUSTED_KEY_NOT_FOUND({ key: `for ${image.reference}` })
  const { key, claim } = judge(
    { image: image.reference, digest: image.digest },
    await signaturesIn(store, image),
    vouching,
    clock.now(),
  )
  return { image: image.reference, key: key.id, ...claim }
}

/** A rule from what was said. @throws SIGNING_KEY_INVALID, TRUST_RULE_INVALID */
export async function trustedKey(where: KeyRef, options: TrustOptions, secrets: Secrets): Promise<TrustedKey> {
  const { key, identity } = await given(where, options.identity, secrets)
  const until = options.until === undefined ? undefined : momentOf(options.until)
  return {
    key,
    for: readPattern(options.for ?? '**', '--for'),
    ...(identity === undefined ? {} : { identity }),
    ...(until === undefined ? {} : { until }),
  }
}

/** The rules as people read them. */
export const ruleOf = ({ key, for: pattern, identity, until }: TrustedKey): TrustRule => ({
  id: key.id,
  kind: key.kind,
  for: pattern,
  ...(identity === undefined ? {} : { identity }),
  ...(until === undefined ? {} : { until }),
})

async function isSigned(
  store: LocalStore,
  image: { readonly reference: string; readonly digest: string },
  payload: Buffer,
  key: KeyObject,
): Promise<boolean> {
  const own = publicHalf(key)
  return (await signaturesIn(store, image)).some((one) => one.payload.equals(payload) && isSignedBy(own, one))
}

async function given(where: KeyRef, identity: string | undefined, secrets: Secrets): Promise<Vouching> {
  const key = readPublicKey(await secrets.read(refOf(where)), where)
  return { key, ...(identity === undefined ? {} : { identity: readPattern(identity, '--identity') }) }
}

const refOf = (where: KeyRef): SecretRef => (/^(env|file):/.test(where) ? where : `file:${where}`)

/** What cosign puts into a signature: registry and repository. */
function repositoryOf(name: string): string {
  const { registry, repository } = parseReference(name)
  return fullName({ registry, repository })
}

/** The end of a day, or a moment. */
function momentOf(text: string): number {
  const moment = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59Z` : text)
  if (!Number.isNaN(moment) && /^\d{4}-\d{2}-\d{2}/.test(text)) return moment
  throw trustErrors.TRUST_RULE_INVALID({
    what: '--until',
    text: text.slice(0, 40),
    reason: 'it is no date like 2027-01-31',
  })
}
