// time limit: 180 s
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { createSealer } from '../create-sealer.ts'
import { storeOf } from '../images.ts'
import type { Sealer } from '../sealer.ts'
import { createSecrets } from '../secrets.ts'
import { payloadType, signatureAnnotation, writePayload } from '../trust/payload.ts'
import { signPayload } from '../trust/signature.ts'
import { readSignatures, signatureTag, writeSignatures } from '../trust/signature-set.ts'
import { digestOf } from './blobs.ts'
import { sealImage } from './cluster-image.ts'
import { mediaTypes } from './oci.ts'
import { type RegistryDouble, registryDouble } from './registry-double.test.support.ts'
import { codeOf, smallPlatform, temporaryFolder, temporaryStore } from './small-images.test.support.ts'

const test = suite('what belongs to an image')

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const secrets = createSecrets({
  env: {
    KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    PUB: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
})

/** A signed image on a registry that then does what a test wants. */
async function published(folder: string, registry: RegistryDouble) {
  const home = join(folder, 'maker')
  const maker = createSealer({ home, secrets })
  const store = storeOf(home, systemClock)
  const name = `${registry.host}/team/app:v1`
  const { digest } = await sealImage(store, { tag: name, platforms: [await smallPlatform(store.blobs)], built: true })
  await maker.images.sign(name, { key: 'env:KEY' })
  await maker.images.push(name)
  return { name, digest, tag: `team/app:${signatureTag(digest)}` }
}

/** Lets the registry give these bytes as the signatures of its image. */
function replace(registry: RegistryDouble, tag: string, manifest: object | string): void {
  const bytes = Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
  registry.manifests.set(tag, { mediaType: mediaTypes.manifest, bytes })
}

let count = 0
async function site(
  folder: string,
  trusts: boolean,
): Promise<{ readonly sealer: Sealer; readonly warnings: string[] }> {
  const warnings: string[] = []
  const logger = { debug: () => {}, info: () => {}, warn: (text: string) => void warnings.push(text) }
  const sealer = createSealer({ home: join(folder, `site-${count++}`), secrets, logger })
  if (trusts) await sealer.trust.add('env:PUB')
  return { sealer, warnings }
}

test('signatures that are nonsense are no signatures: with a trusted key the image is refused, without one it is warned of', async () => {
  await using folder = await temporaryFolder()
  await using registry = await registryDouble()
  const { name, tag } = await published(folder.path, registry)
  const genuine = JSON.parse(registry.manifests.get(tag)?.bytes.toString() ?? '')
  const [layer] = genuine.layers
  const absent = { ...layer, digest: `sha256:${'0'.repeat(64)}` }
  const hostile: Readonly<Record<string, object | string>> = {
    'no JSON': '{',
    'another document': { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] },
    'no layers': { ...genuine, layers: [] },
    'a payload that is not there': { ...genuine, layers: [absent] },
    'a payload of another size': { ...genuine, layers: [{ ...layer, size: layer.size + 1 }] },
    'a payload of a gigabyte': { ...genuine, layers: [{ ...layer, size: 2 ** 30 }] },
    'no signature': { ...genuine, layers: [{ ...layer, annotations: {} }] },
    'a signature that is no base64': {
      ...genuine,
      layers: [{ ...layer, annotations: { [signatureAnnotation]: '<html>' } }],
    },
    'layers of another type': { ...genuine, layers: [{ ...layer, mediaType: mediaTypes.layer }] },
  }
  for (const [what, manifest] of Object.entries(hostile)) {
    replace(registry, tag, manifest)
    const strict = await site(folder.path, true)
    assert.match(await codeOf(strict.sealer.images.pull(name)), /^SIGNATURE_(MISSING|DAMAGED)$/, what)
    assert.equal(await strict.sealer.images.list(), [], what)
  }
  replace(registry, tag, '{')
  const careless = await site(folder.path, false)
  await careless.sealer.images.pull(name)
  assert.match(careless.warnings.join('\n'), 'has no signature')
})

test('why the signatures could not be fetched is told with the refusal', async () => {
  await using folder = await temporaryFolder()
  await using registry = await registryDouble()
  const { name, digest } = await published(folder.path, registry)
  registry.fault = ({ url = '' }, response) => {
    if (!url.endsWith(signatureTag(digest))) return false
    response.writeHead(403).end()
    return true
  }
  const { sealer } = await site(folder.path, true)
  const error = await sealer.images.pull(name).catch((thrown: Error & { readonly code?: string }) => thrown)
  assert.is((error as { readonly code?: string }).code, 'SIGNATURE_MISSING')
  assert.is(((error as Error).cause as { readonly code?: string }).code, 'REGISTRY_DENIED')
})

test('a genuine signature among a thousand of somebody else is found, as far as anybody looks', async () => {
  await using store = await temporaryStore()
  const claim = { digest: digestOf(Buffer.from('image')), identity: 'docker.io/team/app', annotations: {} }
  const signature = signPayload(writePayload(claim), privateKey)
  const others = Array.from({ length: 1000 }, (_, at) => ({ payload: Buffer.from(`{"at":${at}}`), signature: 'AAAA' }))
  const set = await writeSignatures(store.blobs, [...others, signature])
  const read = await readSignatures(store.blobs, set, 'app')
  assert.is(read.length, 100)
  assert.ok(read.some((one) => one.signature === signature.signature))
})

test('no manifest makes a reader of signatures fail otherwise than with its error', async () => {
  await using store = await temporaryStore()
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(payloadType, mediaTypes.manifest, signatureAnnotation),
  )
  const payload = await store.blobs.put(Buffer.from('{}'))
  const layer = fc.record({
    mediaType: text,
    digest: fc.oneof(text, fc.constant(payload.digest)),
    size: fc.oneof(fc.integer(), fc.constant(payload.size)),
    annotations: fc.oneof(fc.dictionary(text, text), fc.constant(null)),
  })
  const config = { mediaType: mediaTypes.imageConfig, ...payload }
  const manifest = fc.record({
    schemaVersion: fc.constantFrom(2, 1),
    config: fc.constant(config),
    layers: fc.array(layer, { maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(manifest, fc.jsonValue()), async (document) => {
      const blob = await store.blobs.put(Buffer.from(JSON.stringify(document)))
      const set = { mediaType: mediaTypes.manifest, ...blob }
      const outcome = await readSignatures(store.blobs, set, 'app').then(
        (signatures) => Array.isArray(signatures),
        (error: { readonly code?: string }) =>
          /^(SIGNATURE_DAMAGED|BLOB_CORRUPT|IMAGE_INCOMPLETE)$/.test(error.code ?? ''),
      )
      assert.ok(outcome)
    }),
  )
})

test.run()
