import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { SealerError } from '../errors.ts'
import { trustErrors } from './errors.ts'

/** A key that verifies signatures. */
export interface PublicKey {
  /** sha256 of its SPKI form, 64 hex digits. */
  readonly id: string
  readonly key: KeyObject
  /** `ecdsa-p256`, `rsa-3072`, `ed25519` … */
  readonly kind: string
  /** PEM. */
  readonly text: string
}

/** Files of keys are small; a larger one is something else. */
export const maxKeyBytes = 64 * 1024

const curves: Readonly<Record<string, string>> = { prime256v1: 'p256', secp384r1: 'p384', secp521r1: 'p521' }
const boxedTypes = ['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY']
const privateTypes = ['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']

/**
 * Reads a public key in PEM: ECDSA on a NIST curve, RSA of 2048 bits or more, Ed25519.
 * @param name for messages
 * @throws SIGNING_KEY_INVALID
 */
export function readPublicKey(text: string, name: string): PublicKey {
  const refuse = (reason: string, cause?: unknown) =>
    trustErrors.SIGNING_KEY_INVALID({ key: name, reason }, cause === undefined ? {} : { cause })
  const { type, pem } = pemIn(text, refuse)
  if (type.endsWith('PRIVATE KEY'))
    throw refuse('it is a private key, which nobody else should hold; give the public one')
  if (type !== 'PUBLIC KEY') throw refuse(`it is a PEM "${type}", not a "PUBLIC KEY"`)
  return describe(
    parsed(() => createPublicKey(pem), refuse),
    refuse,
  )
}

/**
 * Reads a private key in PEM: as cosign keeps it, or PKCS #8 and its forerunners, encrypted or not.
 * @param password asked for only if the key is encrypted
 * @throws SIGNING_KEY_INVALID, SIGNING_KEY_PASSWORD_WRONG
 */
export async function readPrivateKey(text: string, name: string, password: () => Promise<string>): Promise<KeyObject> {
  const refuse = (reason: string, cause?: unknown) =>
    trustErrors.SIGNING_KEY_INVALID({ key: name, reason }, cause === undefined ? {} : { cause })
  const { type, pem, body } = pemIn(text, refuse)
  if (type === 'PUBLIC KEY') throw refuse('it is a public key; signing needs the private one')
  const key = boxedTypes.includes(type)
    ? await fromBox(body, name, password, refuse)
    : await fromPem(type, pem, name, password, refuse)
  describe(createPublicKey(key), refuse)
  return key
}

/** A new ECDSA P-256 pair: the private key in the box of cosign, the public one as SPKI, both PEM. */
export async function newKeyPair(
  password: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const pair = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' })
  const { lockKey } = await import('./encrypted-key.ts')
  const box = await lockKey(pair.privateKey.export({ type: 'pkcs8', format: 'der' }), password)
  return {
    privateKey: pemOf('ENCRYPTED SIGSTORE PRIVATE KEY', box),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** The public half. */
export const publicHalf = (key: KeyObject): PublicKey =>
  describe(createPublicKey(key), (reason) => trustErrors.SIGNING_KEY_INVALID({ key: 'The key', reason }))

/** How a key is called where people read it. */
export const shortId = (id: string): string => id.slice(0, 12)

type Refuse = (reason: string, cause?: unknown) => SealerError

async function fromBox(
  body: Buffer,
  name: string,
  password: () => Promise<string>,
  refuse: Refuse,
): Promise<KeyObject> {
  const { boxProblem, openKey } = await import('./encrypted-key.ts')
  const problem = boxProblem(body)
  if (problem !== undefined) throw refuse(problem)
  const der = await openKey(body, await password())
  if (der === undefined) throw trustErrors.SIGNING_KEY_PASSWORD_WRONG({ key: name })
  return parsed(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), refuse)
}

async function fromPem(
  type: string,
  pem: string,
  name: string,
  password: () => Promise<string>,
  refuse: Refuse,
): Promise<KeyObject> {
  if (!privateTypes.includes(type)) throw refuse(`it is a PEM "${type}", not a private key`)
  if (type !== 'ENCRYPTED PRIVATE KEY' && !pem.includes('Proc-Type:'))
    return parsed(() => createPrivateKey(pem), refuse)
  const passphrase = await password()
  try {
    return createPrivateKey({ key: pem, passphrase })
  } catch (cause) {
    throw trustErrors.SIGNING_KEY_PASSWORD_WRONG({ key: name }, { cause })
  }
}

function parsed(parse: () => KeyObject, refuse: Refuse): KeyObject {
  try {
    return parse()
  } catch (cause) {
    if (SealerError.is(cause)) throw cause
    throw refuse('its content is damaged', cause)
  }
}

function describe(key: KeyObject, refuse: Refuse): PublicKey {
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  return { id, key, kind: kindOf(key, refuse), text: key.export({ type: 'spki', format: 'pem' }).toString() }
}

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject, refuse: Refuse): string {
  if (type === 'ed25519') return type
  const curve = curves[details.namedCurve ?? '']
  if (type === 'ec' && curve !== undefined) return `ecdsa-${curve}`
  const bits = details.modulusLength ?? 0
  if (type === 'rsa' && bits >= 2048 && bits <= 8192) return `rsa-${bits}`
  if (type === 'rsa') throw refuse(`an RSA key has 2048 to 8192 bits, this one ${bits}`)
  throw refuse(`${details.namedCurve ?? type ?? 'it'} is no kind of key that signs images (ECDSA, RSA, Ed25519)`)
}

/** The first PEM block of a text. */
function pemIn(text: string, refuse: Refuse): { readonly type: string; readonly pem: string; readonly body: Buffer } {
  if (text.length > maxKeyBytes) throw refuse(`it has more than ${maxKeyBytes} bytes`)
  const start = text.indexOf('-----BEGIN ')
  const type = start < 0 ? undefined : /^-----BEGIN ([A-Z0-9 ]{1,60})-----/.exec(text.slice(start, start + 100))?.[1]
  if (type === undefined) throw refuse('there is no PEM block in it (-----BEGIN …)')
  const begin = start + `-----BEGIN ${type}-----`.length
  const end = text.indexOf(`-----END ${type}-----`, begin)
  if (end < 0) throw refuse('its PEM block has no end')
  return {
    type,
    pem: `${text.slice(start, end)}-----END ${type}-----\n`,
    body: Buffer.from(text.slice(begin, end), 'base64'),
  }
}

const pemOf = (type: string, body: Buffer): string =>
  `-----BEGIN ${type}-----\n${body.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${type}-----\n`
