// time limit: 180 s
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { cosignKey, cosignPassword, cosignPublicKey } from './keys.test.support.ts'
import { newKeyPair, publicHalf, readPrivateKey, readPublicKey } from './keys.ts'

const test = suite('keys')

const unasked = async (): Promise<string> => {
  throw new Error('nobody should be asked for a password')
}
const said = (password: string) => async () => password
const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
const codeOf = async (work: Promise<unknown>) => (await rejection<SealerError>(work)).code
const refusal = (text: string): string => {
  try {
    readPublicKey(text, 'k.pub')
  } catch (error) {
    if (SealerError.is(error)) return error.message
    throw error
  }
  return 'accepted'
}

test('a new pair fits together, and opens with its password alone', async () => {
  const { privateKey, publicKey } = await newKeyPair('pa55word')
  assert.match(privateKey, /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/)
  const key = await readPrivateKey(privateKey, 'k.key', said('pa55word'))
  assert.is(publicHalf(key).id, readPublicKey(publicKey, 'k.pub').id)
  assert.is(publicHalf(key).kind, 'ecdsa-p256')
  assert.is(await codeOf(readPrivateKey(privateKey, 'k.key', said('pa55wore'))), 'SIGNING_KEY_PASSWORD_WRONG')
  assert.is(await codeOf(readPrivateKey(privateKey, 'k.key', said(''))), 'SIGNING_KEY_PASSWORD_WRONG')
})

test('a key that cosign has made opens', async () => {
  const key = await readPrivateKey(cosignKey, 'cosign.key', said(cosignPassword))
  assert.is(publicHalf(key).id, readPublicKey(cosignPublicKey, 'cosign.pub').id)
})

test('plain keys of all kinds are read, without a question', async () => {
  const pairs = {
    'ecdsa-p256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    'ecdsa-p384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    'rsa-2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
  }
  for (const [kind, pair] of Object.entries(pairs)) {
    assert.is(readPublicKey(publicPem(pair.publicKey), 'k.pub').kind, kind)
    assert.is(publicHalf(await readPrivateKey(privatePem(pair.privateKey), 'k.key', unasked)).kind, kind)
  }
  const sec1 = pairs['ecdsa-p256'].privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  assert.is(publicHalf(await readPrivateKey(sec1, 'k.key', unasked)).kind, 'ecdsa-p256')
})

test('an encrypted PKCS #8 key opens with its password', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pa55word' })
    .toString()
  assert.is(publicHalf(await readPrivateKey(pem, 'k.key', said('pa55word'))).kind, 'ecdsa-p256')
  assert.is(await codeOf(readPrivateKey(pem, 'k.key', said('other'))), 'SIGNING_KEY_PASSWORD_WRONG')
})

test('what is no key for images is refused with its reason', async () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  assert.match(refusal(privatePem(ec.privateKey)), 'give the public one')
  assert.match(refusal(publicPem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)), 'this one 1024')
  assert.match(refusal(publicPem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)), 'secp256k1')
  assert.match(refusal('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), 'CERTIFICATE')
  assert.match(refusal('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'), 'damaged')
  assert.match(refusal('-----BEGIN PUBLIC KEY-----\nAAAA\n'), 'no end')
  assert.match(refusal('hello'), 'no PEM block')
  assert.match(refusal(`-----BEGIN ${'x'.repeat(80_000)}`), 'bytes')
  assert.is(await codeOf(readPrivateKey(publicPem(ec.publicKey), 'k.key', unasked)), 'SIGNING_KEY_INVALID')
})

test('a box that would cost much to open is refused before the password is asked for', async () => {
  const box = JSON.parse(Buffer.from(cosignKey.split('\n').slice(1, -2).join(''), 'base64').toString())
  const withParams = (params: object) => {
    const body = Buffer.from(JSON.stringify({ ...box, kdf: { ...box.kdf, params } })).toString('base64')
    return `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n${body}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n`
  }
  for (const params of [{ N: 2 ** 30, r: 8, p: 1 }, { N: 65_536, r: 8, p: 1000 }, { N: 65_536, r: 4096, p: 1 }, {}])
    assert.is(await codeOf(readPrivateKey(withParams(params), 'k.key', unasked)), 'SIGNING_KEY_INVALID')
})

test('no text makes a reader of keys fail otherwise than with its error', async () => {
  const known = [cosignPublicKey, cosignKey, privatePem(generateKeyPairSync('ed25519').privateKey)]
  const damaged = fc
    .tuple(fc.constantFrom(...known), fc.nat(600), fc.string({ maxLength: 20 }))
    .map(([pem, at, text]) => pem.slice(0, at) + text + pem.slice(at + text.length))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ maxLength: 300 }), damaged), async (text) => {
      assert.type(refusal(text), 'string')
      await readPrivateKey(text, 'k.key', async () => 'x').catch((error) =>
        assert.ok(SealerError.is(error), String(error)),
      )
    }),
    { numRuns: 60 },
  )
})

test.run()
