import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sealImage } from '../image/cluster-image.ts'
import { smallPlatform, temporaryStore } from '../image/small-images.test.support.ts'
import { createSecrets } from '../secrets.ts'
import { cosignPayload, cosignPublicKey, cosignSignature } from './keys.test.support.ts'
import { publicHalf, readPublicKey } from './keys.ts'
import { readPayload, writePayload } from './payload.ts'
import { isSignedBy, signPayload } from './signature.ts'
import { signImage } from './signing.ts'

const test = suite('signatures')
const claim = { digest: `sha256:${'a'.repeat(64)}`, identity: 'registry.example/team/app', annotations: {} }

test('a signature of an image is verified by hand, from the words of the specification', async () => {
  await using store = await temporaryStore()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const { digest } = await sealImage(store, { tag: 'team/app:v1', platforms: [await smallPlatform(store.blobs)] })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await signImage(
    store,
    'team/app:v1',
    { key: 'env:KEY', annotations: { by: 'ci' } },
    createSecrets({ env: { KEY: key } }),
  )

  // "Signatures are stored as an OCI image; each layer is a payload in the Simple Signing format, with the media type
  // application/vnd.dev.cosign.simplesigning.v1+json, and its annotation dev.cosignproject.cosign/signature has the signature, base64."
  const [attached] = await store.attachments(digest)
  const manifest = JSON.parse(readFileSync(store.blobPath(attached?.digest ?? ''), 'utf8'))
  assert.is(manifest.mediaType, 'application/vnd.oci.image.manifest.v1+json')
  assert.is(manifest.config.mediaType, 'application/vnd.oci.image.config.v1+json')
  const [layer, ...more] = manifest.layers
  assert.equal(more, [])
  assert.is(layer.mediaType, 'application/vnd.dev.cosign.simplesigning.v1+json')
  const payload = readFileSync(store.blobPath(layer.digest))
  assert.is(`sha256:${createHash('sha256').update(payload).digest('hex')}`, layer.digest)
  assert.equal(JSON.parse(payload.toString()), {
    critical: {
      identity: { 'docker-reference': 'docker.io/team/app' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: { by: 'ci' },
  })
  // "The signature is made over the bytes of the payload, ECDSA P-256 with SHA-256, ASN.1 encoded."
  const signature = Buffer.from(layer.annotations['dev.cosignproject.cosign/signature'], 'base64')
  const spki = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
  assert.ok(verify('sha256', payload, { key: spki, dsaEncoding: 'der' }, signature))
  assert.not(verify('sha256', Buffer.concat([payload, Buffer.from(' ')]), { key: spki, dsaEncoding: 'der' }, signature))
})

test('a signature that cosign has made is one; of one byte less it is not', () => {
  const key = readPublicKey(cosignPublicKey, 'cosign.pub')
  const payload = Buffer.from(cosignPayload)
  assert.ok(isSignedBy(key, { payload, signature: cosignSignature }))
  assert.not(isSignedBy(key, { payload: payload.subarray(1), signature: cosignSignature }))
  assert.equal(readPayload(payload), {
    digest: 'sha256:f2dca8c06576b09fd9b521fbab260ba673fcb112c4dc9b1006bac7290a81845f',
    identity: '127.0.0.1:5871/team/app',
    annotations: {},
  })
})

test('the payload has the bytes that cosign gives it', () => {
  const read = readPayload(Buffer.from(cosignPayload))
  assert.ok('digest' in read)
  assert.is(writePayload(read).toString(), cosignPayload)
})

for (const [kind, pair] of Object.entries({
  'ECDSA P-384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
})) {
  test(`${kind}: what it signs is signed by it and by no other key`, () => {
    const signature = signPayload(writePayload(claim), pair.privateKey)
    assert.ok(isSignedBy(publicHalf(pair.privateKey), signature))
    assert.not(isSignedBy(readPublicKey(cosignPublicKey, 'cosign.pub'), signature))
  })
}

for (const [what, text] of Object.entries({
  'no JSON': '{',
  'another type': cosignPayload.replace('cosign container image signature', 'atomic container signature'),
  'no digest': cosignPayload.replace(/sha256:[0-9a-f]+/, 'latest'),
  'a digest of another kind': cosignPayload.replace('sha256:', 'md5:'),
  'a list': '[]',
  'too many bytes': JSON.stringify({ optional: 'x'.repeat(100_000) }),
})) {
  test(`a payload with ${what} claims nothing`, () => assert.ok('problem' in readPayload(Buffer.from(text))))
}

test('no bytes make a payload or a signature fail', () => {
  const key = readPublicKey(cosignPublicKey, 'cosign.pub')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      fc.string(),
      (bytes, text) => {
        const payload = Buffer.from(bytes)
        readPayload(payload)
        for (const signature of [text, Buffer.from(bytes).toString('base64')])
          assert.not(isSignedBy(key, { payload, signature }))
      },
    ),
  )
  fc.assert(
    fc.property(fc.nat(cosignSignature.length - 1), fc.base64String({ minLength: 4, maxLength: 8 }), (at, text) => {
      const changed = cosignSignature.slice(0, at) + text + cosignSignature.slice(at + text.length)
      if (Buffer.from(changed, 'base64').equals(Buffer.from(cosignSignature, 'base64'))) return
      assert.not(isSignedBy(key, { payload: Buffer.from(cosignPayload), signature: changed }))
    }),
  )
})

test('any claim is read back as it was written', () => {
  const text = fc.string({ maxLength: 30 }).filter((one) => one !== '__proto__')
  fc.assert(
    fc.property(fc.dictionary(text, text), (annotations) => {
      assert.equal(readPayload(writePayload({ ...claim, annotations })), { ...claim, annotations: { ...annotations } })
    }),
  )
})

test.run()
