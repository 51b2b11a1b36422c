import { readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { sealImage } from './cluster-image.ts'
import { annotations, mediaTypes } from './oci.ts'
import type { OciIndex, OciManifest } from './schemas.ts'
import { amd64, arm64, codeOf, putContainerImage, smallPlatform, temporaryStore } from './small-images.test.support.ts'
import { openStore } from './store.ts'

const test = suite('store')

test('a sealed image tells everything that was put into it', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const image = await store.resolve('app:v1')
  assert.is(image.digest, digest)
  assert.is(image.reference, 'docker.io/library/app:v1')
  assert.equal(image.platforms, [amd64])
  const read = await store.platform(image, amd64)
  assert.equal(read.config, parts.config)
  assert.equal(read.layers, parts.layers)
  assert.equal(
    read.images,
    parts.images.toSorted((a, b) => (a.reference < b.reference ? -1 : 1)),
  )
})

test('equal parts give an equal digest, in whatever order the platforms come', async () => {
  await using one = await temporaryStore()
  await using other = await temporaryStore()
  const first = await sealImage(one, {
    tag: 'a:1',
    platforms: [await smallPlatform(one.blobs), await smallPlatform(one.blobs, arm64)],
  })
  const second = await sealImage(other, {
    tag: 'b:2',
    platforms: [await smallPlatform(other.blobs, arm64), await smallPlatform(other.blobs)],
  })
  assert.is(first.digest, second.digest)
})

test('the index binds rootfs and companion both ways, and says no artifact type', async () => {
  await using store = await temporaryStore()
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const index = JSON.parse(String(await store.blobs.read(digest))) as OciIndex
  const [rootfs, companion] = index.manifests
  assert.is(rootfs?.annotations?.[annotations.companion], companion?.digest)
  assert.is(companion?.annotations?.[annotations.rootfs], rootfs?.digest)
  assert.equal(companion?.platform, { os: 'unknown', architecture: 'unknown' })
  assert.not(JSON.stringify(index).includes('artifactType'))
})

test('the companion holds each blob of the container images once, under its own digest', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const index = JSON.parse(String(await store.blobs.read(digest))) as OciIndex
  const companion = JSON.parse(String(await store.blobs.read(index.manifests[1]?.digest ?? ''))) as OciManifest
  const wanted = new Set(parts.images.flatMap((image) => image.blobs.map((blob) => blob.digest)))
  assert.is(companion.artifactType, mediaTypes.cluster)
  assert.is(companion.layers[0]?.mediaType, mediaTypes.clusterImages)
  assert.equal(
    companion.layers.slice(1).map((blob) => blob.digest),
    [...wanted].toSorted(),
  )
})

test('manifests of container images stand in the companion as bytes, and are read with their own type', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const index = JSON.parse(String(await store.blobs.read(digest))) as OciIndex
  const companion = JSON.parse(String(await store.blobs.read(index.manifests[1]?.digest ?? ''))) as OciManifest
  const manifests = companion.layers.filter(({ digest: one }) => parts.images.some((image) => image.digest === one))
  assert.equal(
    manifests.map(({ mediaType, annotations: notes }) => [mediaType, notes?.[annotations.carriedType]]),
    parts.images.map(() => [mediaTypes.carriedManifest, mediaTypes.manifest]),
  )
  const { images } = await store.platform(await store.resolve('app:v1'), amd64)
  assert.equal(images[0]?.blobs[0]?.mediaType, mediaTypes.manifest)
})

test('what made a layer is remembered for images that are built upon this one', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const layers = parts.layers.map(({ blob, diffId }, at) => {
    return { blob: { ...blob, annotations: { [annotations.createdBy]: `COPY ${at}` } }, diffId }
  })
  await sealImage(store, { tag: 'app:v1', platforms: [{ ...parts, layers }] })
  assert.equal((await store.platform(await store.resolve('app:v1'), amd64)).layers, layers)
})

test('sealing the same again changes no file', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const before = await readFile(join(store.path, 'index.json'), 'utf8')
  await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  assert.is(await readFile(join(store.path, 'index.json'), 'utf8'), before)
})

test('names are found short, full, by digest and by its beginning', async () => {
  await using store = await temporaryStore()
  const { digest } = await sealImage(store, { tag: 'team/app:v1', platforms: [await smallPlatform(store.blobs)] })
  for (const name of ['team/app:v1', 'docker.io/team/app:v1', digest, digest.slice(7, 19), `team/app@${digest}`]) {
    assert.is((await store.resolve(name)).digest, digest)
  }
  for (const name of ['team/app:v2', 'app:v1', 'ffffff', `other/app@${digest}`]) {
    assert.is(await codeOf(store.resolve(name)), 'IMAGE_NOT_FOUND')
  }
})

test('a platform that the image lacks is refused by name', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  assert.is(await codeOf(store.platform(await store.resolve('app:v1'), arm64)), 'IMAGE_PLATFORM_MISSING')
})

test('no name points at an image that is not complete', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  await rm(store.blobs.path(parts.images[0]?.blobs[2]?.digest ?? ''))
  assert.is(await codeOf(sealImage(store, { tag: 'app:v1', platforms: [parts] })), 'IMAGE_INCOMPLETE')
  assert.equal(await store.list(), [])
})

test('a blob that is lost later is named', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const lost = parts.layers[0]?.blob.digest ?? ''
  await rm(store.blobs.path(lost))
  assert.match((await rejection<SealerError>(store.platform(await store.resolve('app:v1'), amd64))).message, lost)
})

test('half a pair is refused', async () => {
  await using store = await temporaryStore()
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const index = JSON.parse(String(await store.blobs.read(digest))) as OciIndex
  for (const manifests of [index.manifests.slice(0, 1), index.manifests.slice(1)]) {
    assert.is(await codeOf(store.tag('half:v1', await putIndex(store, { ...index, manifests }))), 'IMAGE_INVALID')
  }
  const [rootfs, companion] = index.manifests
  assert.ok(rootfs !== undefined && companion !== undefined)
  const foreign = { ...companion, annotations: { [annotations.rootfs]: `sha256:${'0'.repeat(64)}` } }
  assert.is(
    await codeOf(store.tag('half:v1', await putIndex(store, { ...index, manifests: [rootfs, foreign] }))),
    'IMAGE_INVALID',
  )
})

test('an ordinary container image is told apart', async () => {
  await using store = await temporaryStore()
  const image = await putContainerImage(store.blobs, 'docker.io/library/x:1', amd64)
  const [manifest] = image.blobs
  assert.ok(manifest !== undefined)
  assert.is(await codeOf(store.tag('x:1', manifest)), 'IMAGE_NOT_CLUSTER')
  const index = await putIndex(store, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...manifest, platform: amd64 }],
  })
  assert.is(await codeOf(store.tag('x:1', index)), 'IMAGE_NOT_CLUSTER')
})

test('a config that breaks the schema is refused with its place', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const config = { ...parts.config, apps: [{ name: 'web', type: 'kube' as const, files: ['../../etc/passwd'] }] }
  const refused = await rejection<SealerError>(sealImage(store, { tag: 'app:v1', platforms: [{ ...parts, config }] }))
  assert.match(refused.message, 'apps.0.files.0')
})

test('removing a name frees what only it needed', async () => {
  await using store = await temporaryStore()
  const both = await smallPlatform(store.blobs)
  const extra = await putContainerImage(store.blobs, 'docker.io/library/extra:v1', amd64)
  await sealImage(store, { tag: 'small:v1', platforms: [both] })
  await sealImage(store, { tag: 'big:v1', platforms: [{ ...both, images: [...both.images, extra] }] })
  const { freed } = await store.remove('big:v1')
  assert.ok(freed > 0)
  assert.not(await store.has(extra.digest))
  await store.platform(await store.resolve('small:v1'), amd64)
})

test('an image with two names stays until both are gone', async () => {
  await using store = await temporaryStore()
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  await store.tag('app:v2', await store.find('app:v1'))
  assert.is((await store.remove('app:v1')).freed, 0)
  assert.is((await store.resolve('app:v2')).digest, digest)
  assert.ok((await store.remove('app:v2')).freed > 0)
  assert.not(await store.has(digest))
})

test('a clean-up leaves young strangers, which somebody may be about to name', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const young = await store.blobs.put(Buffer.from('young'))
  const old = await store.blobs.put(Buffer.from('old'))
  const twoHoursAgo = new Date(Date.now() - 2 * 3600_000)
  await utimes(store.blobs.path(old.digest), twoHoursAgo, twoHoursAgo)
  await store.remove('app:v1')
  assert.ok(await store.has(young.digest))
  assert.not(await store.has(old.digest))
})

test('names given at the same time are all there', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v0', platforms: [await smallPlatform(store.blobs)] })
  const root = await store.find('app:v0')
  const names = Array.from({ length: 12 }, (_, at) => `app:n${at}`)
  await Promise.all(names.map((name) => openStore(store.path).tag(name, root)))
  assert.is((await store.list()).length, 13)
})

test('what other tools wrote into index.json stays', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const file = join(store.path, 'index.json')
  const index = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...index, 'x-note': 'mine' }))
  await store.tag('app:v2', await store.find('app:v1'))
  assert.is(JSON.parse(await readFile(file, 'utf8'))['x-note'], 'mine')
})

async function putIndex(store: ReturnType<typeof openStore>, index: OciIndex): Promise<BlobDescriptor> {
  return { mediaType: mediaTypes.index, ...(await store.blobs.put(Buffer.from(JSON.stringify(index)))) }
}

test('what belongs to an image comes with its name, stays with it, and goes when the name points elsewhere', async () => {
  await using store = await temporaryStore()
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const root = await store.find('app:v1')
  const manifest = { mediaType: mediaTypes.manifest, ...(await store.blobs.put(Buffer.from('{}'))), type: 'text/x' }
  await store.tag('app:v1', root, { came: 'pulled', attach: async (present) => [...present, manifest] })
  await store.tag('app:v1', root)
  assert.equal(await store.attachments(digest), [manifest])
  assert.is((await store.resolve('app:v1')).provenance, 'pulled')
  assert.is(await codeOf(store.find(manifest.digest)), 'IMAGE_NOT_FOUND')

  await sealImage(store, { tag: 'other:v1', platforms: [await smallPlatform(store.blobs, arm64)] })
  await store.tag('app:v1', await store.find('other:v1'))
  assert.equal(await store.attachments(digest), [])
})

test.run()
