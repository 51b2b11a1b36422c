import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from './clock.ts'
import type { SealerError } from './errors.ts'
import type { PartInfo } from './image/cluster-config.ts'
import { type PlatformParts, sealImage } from './image/cluster-image.ts'
import { annotations, mediaTypes } from './image/oci.ts'
import { registryDouble } from './image/registry-double.test.support.ts'
import type { OciIndex } from './image/schemas.ts'
import {
  amd64,
  arm64,
  codeOf,
  putContainerImage,
  putLayer,
  smallPlatform,
  tarOf,
  temporaryFolder,
  temporaryStore,
} from './image/small-images.test.support.ts'
import { openStore } from './image/store.ts'
import { createImages } from './images.ts'
import { silentLogger } from './logger.ts'
import { createSecrets } from './secrets.ts'
import { rejection } from './testing/rejection.ts'

const test = suite('images')

/** The images of a new home with `app:v1` for two platforms. */
async function home() {
  const folder = await temporaryFolder()
  const images = imagesOf(folder.path)
  const store = openStore(join(folder.path, 'store'))
  const platforms = [await smallPlatform(store.blobs, amd64), await smallPlatform(store.blobs, arm64)]
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms })
  return { ...folder, images, store, platforms, digest }
}

const imagesOf = (path: string) =>
  createImages({ home: path, secrets: createSecrets(), logger: silentLogger, clock: systemClock })

test('a pushed image is pulled with the same digest', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await using registry = await registryDouble()
  const name = `${registry.host}/team/app:v1`
  const pushed = await here.images.push('app:v1', name)
  const pulled = await imagesOf(there.path).pull(name)
  assert.is(pushed.digest, here.digest)
  assert.is(pulled.digest, here.digest)
  assert.equal(pulled.platforms, [amd64, arm64])
  assert.equal((await imagesOf(there.path).inspect(name)).platforms[1]?.images.length, 2)
})

test('pushing the same again sends nothing', async () => {
  await using here = await home()
  await using registry = await registryDouble()
  await here.images.push('app:v1', `${registry.host}/team/app:v1`)
  const before = registry.asked.length
  const again = await here.images.push('app:v1', `${registry.host}/team/app:v1`)
  assert.is(again.sent, 0)
  assert.is(registry.asked.length, before + 1)
})

test('a changed image sends its changed blobs alone', async () => {
  await using here = await home()
  await using registry = await registryDouble()
  await here.images.push('app:v1', `${registry.host}/team/app:v1`)
  const [first, second] = here.platforms
  assert.ok(first !== undefined && second !== undefined)
  await sealImage(here.store, { tag: 'app:v2', platforms: [{ ...first, images: first.images.slice(1) }, second] })
  const uploads = () => registry.asked.filter(({ line }) => line.startsWith('PATCH')).length
  const before = uploads()
  await here.images.push('app:v2', `${registry.host}/team/app:v2`)
  assert.is(uploads() - before, 1) // the list of container images
})

test('the index is sent last, so that the tag never points at something unfinished', async () => {
  await using here = await home()
  await using registry = await registryDouble()
  await here.images.push('app:v1', `${registry.host}/team/app:v1`)
  assert.match(registry.asked.at(-1)?.line ?? '', /^PUT \/v2\/team\/app\/manifests\/v1$/)
})

test('one platform can be pulled; the image keeps its digest, and pushing it on is refused', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await using registry = await registryDouble()
  const name = `${registry.host}/team/app:v1`
  await here.images.push('app:v1', name)
  const images = imagesOf(there.path)
  const pulled = await images.pull(name, { platforms: [arm64] })
  assert.is(pulled.digest, here.digest)
  assert.equal(pulled.platforms, [arm64])
  assert.is(await codeOf(images.push(name, `${registry.host}/team/other:v1`)), 'IMAGE_INCOMPLETE')
  assert.is(
    await codeOf(images.pull(name, { platforms: [{ os: 'linux', architecture: 's390x' }] })),
    'IMAGE_PLATFORM_MISSING',
  )
})

test('an ordinary image is not pulled', async () => {
  await using there = await temporaryFolder()
  await using registry = await registryDouble()
  const bytes = Buffer.from('{"schemaVersion":2,"manifests":[]}')
  registry.manifests.set('x:v1', { mediaType: mediaTypes.index, bytes })
  assert.is(await codeOf(imagesOf(there.path).pull(`${registry.host}/x:v1`)), 'IMAGE_NOT_CLUSTER')
})

test('a pull with a wrong blob keeps the good ones, and no name', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await using registry = await registryDouble()
  const name = `${registry.host}/team/app:v1`
  await here.images.push('app:v1', name)
  const layer = here.platforms[0]?.layers[0]?.blob
  const good = registry.blobs.get(layer?.digest ?? '')
  assert.ok(layer !== undefined && good !== undefined)
  registry.blobs.set(layer.digest, Buffer.alloc(layer.size))
  const images = imagesOf(there.path)
  assert.is(await codeOf(images.pull(name)), 'BLOB_CORRUPT')
  assert.equal(await images.list(), [])
  assert.not(await images.store.has(layer.digest))
  registry.blobs.set(layer.digest, good)
  assert.is((await images.pull(name)).digest, here.digest)
})

test('a pull whose blobs a clean-up takes away fetches them once more', async () => {
  await using here = await home()
  await using registry = await registryDouble()
  const [first] = here.platforms
  assert.ok(first !== undefined)
  const extra = await putContainerImage(here.store.blobs, 'docker.io/library/extra:v1', amd64)
  await sealImage(here.store, { tag: 'app:v2', platforms: [{ ...first, images: [...first.images, extra] }] })
  await here.images.push('app:v2', `${registry.host}/team/app:v2`)
  await here.images.remove('app:v2')
  let removed = false
  registry.fault = (request, response) => {
    const digest = /\/blobs\/(sha256:.*)$/.exec(request.url ?? '')?.[1]
    if (removed || request.method !== 'GET' || digest === undefined) return false
    removed = true
    here.images.remove('app:v1').then(() => response.end(registry.blobs.get(digest)))
    return true
  }
  const pulled = await here.images.pull(`${registry.host}/team/app:v2`)
  assert.ok(removed)
  assert.equal((await here.images.inspect(pulled.digest)).platforms[0]?.config, first.config)
})

test('progress ends at its total, which does not change', async () => {
  await using here = await home()
  await using registry = await registryDouble()
  const seen: { done: number; total: number }[] = []
  await here.images.push('app:v1', `${registry.host}/team/app:v1`, { onProgress: (progress) => seen.push(progress) })
  assert.is(new Set(seen.map(({ total }) => total)).size, 1)
  assert.is(seen.at(-1)?.done, seen.at(-1)?.total)
  assert.equal(
    seen.map(({ done }) => done),
    seen.map(({ done }) => done).toSorted((a, b) => a - b),
  )
})

test('built parts under an official name are warned of', async () => {
  await using here = await home()
  const [first] = here.platforms
  assert.ok(first !== undefined)
  const part: PartInfo = { name: 'kubelet', version: 'v1.34.4', licence: 'Apache-2.0', source: 'built' }
  const config = { ...first.config, parts: [part], source: 'built' as const }
  await sealImage(here.store, { tag: 'sealerio/kubernetes:v1', platforms: [{ ...first, config }] })
  await using registry = await registryDouble()
  const other = await here.images.push('sealerio/kubernetes:v1', `${registry.host}/sealerio/kubernetes:v1`)
  assert.equal(other.warnings, [])
  const { pushWarnings } = await import('./image/push.ts')
  const [warning] = await pushWarnings(here.store, 'sealerio/kubernetes:v1', 'docker.io/sealerio/kubernetes:v1')
  assert.match(warning ?? '', 'kubelet v1.34.4')
})

test('a saved image is the same bytes each time, and loads into an empty store', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  const files = ['one.tar', 'two.tar'].map((file) => join(here.path, file))
  for (const file of files) await here.images.save('app:v1', file)
  const sums = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  )
  assert.is(sums[0], sums[1])
  const [loaded] = await imagesOf(there.path).load(files[0] ?? '')
  assert.is(loaded?.digest, here.digest)
  assert.is(loaded?.reference, 'docker.io/library/app:v1')
  assert.equal((await readdir(here.path)).toSorted(), ['one.tar', 'store', 'two.tar'])
})

test('an archive is loaded from a stream as well, and a layout from its folder', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await using elsewhere = await temporaryFolder()
  await here.images.save('app:v1', join(here.path, 'app.tar'))
  const [streamed] = await imagesOf(there.path).load(createReadStream(join(here.path, 'app.tar')))
  const [copied] = await imagesOf(elsewhere.path).load(join(here.path, 'store'))
  assert.is(streamed?.digest, here.digest)
  assert.is(copied?.digest, here.digest)
})

test('an archive can hold one platform of an image', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await here.images.save('app:v1', join(here.path, 'arm.tar'), { platforms: [arm64] })
  await here.images.save('app:v1', join(here.path, 'all.tar'))
  assert.ok((await stat(join(here.path, 'arm.tar'))).size < (await stat(join(here.path, 'all.tar'))).size)
  const [loaded] = await imagesOf(there.path).load(join(here.path, 'arm.tar'))
  assert.is(loaded?.digest, here.digest)
  assert.equal(loaded?.platforms, [arm64])
})

test('a delta holds what is new, gives the same digest, and is refused where its base is not', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  const change = await putLayer(here.store.blobs, 'opt/new', randomBytes(300_000).toString('hex'))
  const platforms = here.platforms.map((parts) => ({ ...parts, layers: [...parts.layers, change] }))
  const { digest } = await sealImage(here.store, { tag: 'app:v2', platforms })
  const [base, delta] = [join(here.path, 'base.tar'), join(here.path, 'delta.tar')]
  await here.images.save('app:v1', base)
  await here.images.save('app:v2', delta, { since: ['app:v1'] })
  assert.ok(
    (await stat(delta)).size <= 1.05 * change.blob.size + 40 * 1024,
    'the change, and the documents of two platforms',
  )

  const receiver = imagesOf(there.path)
  const error = await rejection<SealerError>(receiver.load(delta))
  assert.is(error.code, 'DELTA_BASE_MISSING')
  assert.match(error.message, `docker.io/library/app:v1@${here.digest}`)
  for (const { layers } of here.platforms) for (const layer of layers) assert.match(error.message, layer.blob.digest)
  assert.not.match(error.message, change.blob.digest)
  assert.equal(await receiver.list(), [])

  await receiver.load(base)
  const [loaded] = await receiver.load(delta)
  assert.is(loaded?.digest, digest)
  assert.equal(loaded?.platforms, [amd64, arm64])
})

test('a delta does not lose a platform that the receiver of the base has not', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  const change = await putLayer(here.store.blobs, 'opt/new', 'new')
  const [x86, arm] = here.platforms as [PlatformParts, PlatformParts]
  await sealImage(here.store, { tag: 'app:v2', platforms: [{ ...x86, layers: [...x86.layers, change] }, arm] })
  await here.images.save('app:v1', join(here.path, 'base.tar'), { platforms: [amd64] })
  await here.images.save('app:v2', join(here.path, 'delta.tar'), { since: ['app:v1'] })
  const receiver = imagesOf(there.path)
  await receiver.load(join(here.path, 'base.tar'))
  assert.is(await codeOf(receiver.load(join(here.path, 'delta.tar'))), 'DELTA_BASE_MISSING')
})

test('several images share their blobs in one archive, which may be a stream', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  await here.images.tag('app:v1', 'quay.io/team/other:v1')
  const pipe = new PassThrough()
  const saved = here.images.save(['quay.io/team/other:v1', 'app:v1', 'app:v1'], pipe)
  const [loaded] = await Promise.all([imagesOf(there.path).load(pipe), saved])
  assert.equal(
    loaded.map((image) => [image.reference, image.digest]),
    [
      ['docker.io/library/app:v1', here.digest],
      ['quay.io/team/other:v1', here.digest],
    ],
  )
  await here.images.save('app:v1', join(here.path, 'one.tar'))
  await here.images.save(['app:v1', 'quay.io/team/other:v1'], join(here.path, 'two.tar'))
  assert.ok((await stat(join(here.path, 'two.tar'))).size <= (await stat(join(here.path, 'one.tar'))).size + 1024)
})

test('an archive that lacks a blob is refused, and nothing of it is named', async () => {
  await using here = await home()
  await using there = await temporaryFolder()
  const index = JSON.parse(String(await here.store.blobs.read(here.digest))) as OciIndex
  const entry = {
    mediaType: mediaTypes.index,
    digest: here.digest,
    size: (await here.store.blobs.size(here.digest)) ?? 0,
  }
  const files: Record<string, Buffer | string> = {
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    'index.json': JSON.stringify({
      schemaVersion: 2,
      manifests: [{ ...entry, annotations: { [annotations.refName]: 'app:v1' } }],
    }),
  }
  for (const { digest } of [entry, ...index.manifests])
    files[`blobs/sha256/${digest.slice(7)}`] = await here.store.blobs.read(digest)
  const file = join(there.path, 'half.tar')
  await writeFile(file, await tarOf(files))
  const images = imagesOf(there.path)
  assert.is(await codeOf(images.load(file)), 'IMAGE_INCOMPLETE')
  assert.equal(await images.list(), [])
})

test('a login is proven, kept for its owner alone, and forgotten', async () => {
  await using folder = await temporaryFolder()
  await using registry = await registryDouble()
  registry.fault = (request, response) => {
    if (request.headers.authorization === `Basic ${Buffer.from('ann:pa55word').toString('base64')}`) return false
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    return true
  }
  const images = imagesOf(folder.path)
  assert.is(await codeOf(images.login(registry.host, 'ann', 'value:wrong-one')), 'LOGIN_FAILED')
  await images.login(registry.host, 'ann', 'value:pa55word')
  const file = join(folder.path, 'auth.json')
  assert.is((await stat(file)).mode & 0o777, 0o600)
  assert.not.match(await readFile(file, 'utf8'), 'pa55word')
  await images.logout(registry.host)
  assert.equal(JSON.parse(await readFile(file, 'utf8')), { auths: {} })
})

test('a store that another tool has damaged still lists, and the image can be removed', async () => {
  await using here = await home()
  await rm(here.store.blobs.path(here.digest))
  const [image] = await here.images.list()
  assert.equal(image?.platforms, [])
  assert.is(
    (
      await rejection<SealerError>(
        here.images.inspect('app:v1').then(async ({ platforms }) => {
          if (platforms.length === 0) return here.images.push('app:v1', '127.0.0.1:1/x:v1')
          return undefined
        }),
      )
    ).code,
    'IMAGE_INCOMPLETE',
  )
  await here.images.remove('app:v1')
  assert.equal(await here.images.list(), [])
})

test('an empty home has no images', async () => {
  await using store = await temporaryStore()
  await mkdir(store.path, { recursive: true })
  assert.equal(await imagesOf(join(store.path, 'nothing')).list(), [])
  assert.is(await codeOf(imagesOf(join(store.path, 'nothing')).inspect('app:v1')), 'IMAGE_NOT_FOUND')
})

test.run()
