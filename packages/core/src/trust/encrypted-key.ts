import { randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import nacl from 'tweetnacl'
import { z } from 'zod'

/**
 * The box in which cosign keeps private keys (the body of its PEM "ENCRYPTED SIGSTORE PRIVATE KEY"): JSON that holds PKCS #8 in a
 * NaCl secretbox under a key that scrypt makes of the password. Loaded for the first such key: Node.js has scrypt but no
 * XSalsa20, so with it comes tweetnacl.
 */

const base64 = z
  .string()
  .max(64 * 1024)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is not base64')
  .transform((text) => Buffer.from(text, 'base64'))
const boxSchema = z.object({
  kdf: z.object({
    name: z.literal('scrypt'),
    // The three that its writers have used; whoever could choose freely could make every reader work for hours.
    params: z.object({ N: z.literal([32_768, 65_536, 131_072]), r: z.literal(8), p: z.literal(1) }),
    salt: base64,
  }),
  cipher: z.object({
    name: z.literal('nacl/secretbox'),
    nonce: base64.refine(({ length }) => length === nacl.secretbox.nonceLength, 'has another length'),
  }),
  ciphertext: base64,
})

/** What cosign writes today. */
const params = { N: 65_536, r: 8, p: 1 } as const

/** Puts a key into a box. */
export async function lockKey(der: Buffer, password: string): Promise<Buffer> {
  const salt = randomBytes(32)
  const nonce = randomBytes(nacl.secretbox.nonceLength)
  const box = nacl.secretbox(der, nonce, await boxKey(password, salt, params.N))
  return Buffer.from(
    JSON.stringify({
      kdf: { name: 'scrypt', params, salt: salt.toString('base64') },
      cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
      ciphertext: Buffer.from(box).toString('base64'),
    }),
  )
}

/** Says what is wrong with a box before the password is asked for; undefined: nothing. */
export function boxProblem(body: Buffer): string | undefined {
  const parsed = parse(body)
  if (parsed?.success === true) return undefined
  const issue = parsed?.error.issues[0]
  return issue === undefined ? 'its content is no JSON' : `${issue.path.join('.') || 'its content'}: ${issue.message}`
}

/** The key in a box; undefined when the password is another one, or the box was changed. */
export async function openKey(body: Buffer, password: string): Promise<Buffer | undefined> {
  const parsed = parse(body)
  if (parsed?.success !== true) return undefined
  const { kdf, cipher, ciphertext } = parsed.data
  const der = nacl.secretbox.open(ciphertext, cipher.nonce, await boxKey(password, kdf.salt, kdf.params.N))
  return der === null ? undefined : Buffer.from(der)
}

function parse(body: Buffer) {
  try {
    return boxSchema.safeParse(JSON.parse(body.toString('utf8')))
  } catch {
    return undefined
  }
}

const boxKey = (password: string, salt: Buffer, N: number): Promise<Buffer> =>
  promisify<string, Buffer, number, object, Buffer>(scrypt)(password, salt, nacl.secretbox.keyLength, {
    ...params,
    N,
    maxmem: 256 * N * params.r,
  })
