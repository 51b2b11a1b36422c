import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { sealImage } from '../image/cluster-image.ts'
import { registryDouble } from '../image/registry-double.test.support.ts'
import { amd64, arm64, putContainerImage, smallPlatform, temporaryStore } from '../image/small-images.test.support.ts'
import type { LocalStore } from '../image/store.ts'
import { everyKindOfFile } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { scratch, serve, workplace } from './build.test.support.ts'

const test = suite('build')

/** Writes one container image as an OCI layout into a folder. */
async function layoutWith(folder: string, reference: string): Promise<string> {
  await using store = await temporaryStore()
  const image = await putContainerImage(store.blobs, reference, amd64)
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
  for (const { digest } of image.blobs) {
    await writeFile(join(folder, 'blobs/sha256', digest.slice('sha256:'.length)), await store.blobs.read(digest))
  }
  const [manifest] = image.blobs
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': reference } }
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
  return image.digest
}

async function putBase(store: LocalStore): Promise<void> {
  await sealImage(store, { tag: 'base:v1', platforms: [await smallPlatform(store.blobs)] })
}

test('a Kubefile becomes a named image of layers, config and container images', async () => {
  await using place = await workplace({
    ...scratch,
    Kubefile: 'FROM scratch\nLABEL a=b\nENV C=d\nCOPY ops bin\nCMD echo hi\n',
  })
  const report = await place.build()
  assert.is(report.reference, 'docker.io/library/app:v1')
  assert.equal(report.layers, { cached: 0, total: 1 })
  const { config, layers, images } = await place.inspect(report)
  assert.equal(config, {
    schemaVersion: 1,
    type: 'kube-installer',
    platform: amd64,
    runtime: { type: 'kubernetes' },
    apps: [],
    launch: [],
    cmds: ['echo hi'],
    env: { C: 'd' },
    labels: { a: 'b' },
    requirements: {},
    parts: [],
    source: 'none',
  })
  assert.is(layers.length, 1)
  assert.equal(images, [])
})

test('an unchanged build packs nothing and has the same digest', async () => {
  await using place = await workplace()
  const first = await place.build()
  const second = await place.build()
  assert.is(second.digest, first.digest)
  assert.equal(second.layers, { cached: 1, total: 1 })
  assert.equal((await place.build({ noCache: true })).layers, { cached: 0, total: 1 })
})

test('two homes give one digest', async () => {
  await using one = await workplace()
  await using two = await workplace()
  assert.is((await one.build()).digest, (await two.build()).digest)
})

test('each platform has its own files', async () => {
  await using place = await workplace({
    ...everyKindOfFile,
    Kubefile: 'FROM scratch\nCOPY bin/$ARCH bin\nCOPY ops ops\n',
  })
  const report = await place.build({ platforms: [amd64, arm64] })
  assert.equal(report.platforms, [amd64, arm64])
  const tool = async (platform: typeof amd64) => {
    const [layer] = (await place.inspect(report, platform)).layers
    return gunzipSync(await place.store.blobs.read(layer?.blob.digest ?? '')).toString()
  }
  assert.match(await tool(amd64), /for amd64/)
  assert.match(await tool(arm64), /for arm64/)
})

test('an image without files has an empty layer, which tools expect', async () => {
  await using place = await workplace({ Kubefile: 'FROM scratch\n' })
  assert.is((await place.inspect(await place.build())).layers.length, 1)
})

test('labels and type of the command line, and the runtime by its labels', async () => {
  const label =
    'LABEL cluster.alpha.sealer.io/cluster-runtime-type=other cluster.alpha.sealer.io/cluster-runtime-version=v1'
  await using place = await workplace({ Kubefile: `FROM scratch\n${label}\n` })
  const { config } = await place.inspect(await place.build({ labels: { x: 'y' }, type: 'app-installer' }))
  assert.equal(config.runtime, { type: 'other', version: 'v1' })
  assert.is(config.type, 'app-installer')
  assert.is(config.labels.x, 'y')
})

test('the parts of an image say where they come from', async () => {
  const part = (name: string, source: string) => ({ name, version: '1', licence: 'MIT', source, sha256: 'x' })
  await using place = await workplace({
    'PARTS.json': JSON.stringify([part('a', 'official'), part('b', 'built')]),
    Kubefile: 'FROM scratch\nCOPY PARTS.json .\n',
  })
  const { config } = await place.inspect(await place.build())
  assert.is(config.source, 'built')
  assert.equal(config.parts[0], { name: 'a', version: '1', licence: 'MIT', source: 'official' })
  await place.context.write('PARTS.json', '[{"name": 1}]')
  assert.is((await rejection<SealerError>(place.build())).code, 'PARTS_INVALID')
})

test('layers, apps, env and container images of the base are there too', async () => {
  await using place = await workplace({ ...everyKindOfFile, Kubefile: 'FROM base:v1\nCOPY ops ops\nLAUNCH web\n' })
  await putBase(place.store)
  const report = await place.build()
  const { config, layers, images } = await place.inspect(report)
  assert.is(layers.length, 3)
  assert.equal(report.layers, { cached: 0, total: 1 })
  assert.equal(config.launch, ['web'])
  assert.equal(config.env, { GREETING: 'hello' })
  assert.equal(
    images.map(({ reference }) => reference),
    ['docker.io/library/db:v1', 'docker.io/library/web:v1'],
  )
})

test('a file copied onto a folder of the base goes into it', async () => {
  await using place = await workplace({ tool2: 'x', Kubefile: 'FROM base:v1\nCOPY tool2 bin\nCOPY tool2 etc/same\n' })
  await putBase(place.store)
  const { layers } = await place.inspect(await place.build())
  const [into, onto] = await Promise.all(
    layers.slice(-2).map(async ({ blob }) => gunzipSync(await place.store.blobs.read(blob.digest)).toString()),
  )
  assert.match(into ?? '', /bin\/tool2/)
  assert.not.match(onto ?? '', /tool2/)
})

test('an image that the base carries is not fetched again, and gets a further reason', async () => {
  await using place = await workplace({ list: 'db:v1\n', Kubefile: 'FROM base:v1\nCOPY list manifests/imageList\n' })
  await putBase(place.store)
  const { images } = await place.inspect(await place.build())
  const db = images.find(({ reference }) => reference === 'docker.io/library/db:v1')
  assert.equal(db?.reasons, ['manifests/web.yaml:12', 'manifests/imageList:1'])
})

test('a base that the store lacks is pulled, or refused when that is not allowed', async () => {
  await using place = await workplace({ Kubefile: 'FROM 127.0.0.1:1/base:v1\n' })
  assert.is((await rejection<SealerError>(place.build({ pull: 'never' }))).code, 'BUILD_BASE_MISSING')
})

test('an archive in the context satisfies what a manifest names', async () => {
  await using place = await workplace({
    ...everyKindOfFile,
    list: 'oci:images',
    Kubefile: 'FROM scratch\nCOPY list manifests/imageList\nAPP web local://deploy/web.yaml\nLAUNCH web\n',
  })
  const digest = await layoutWith(join(place.context.folder, 'images'), 'hub.example/web:1.0')
  for (const _ of ['first', 'remembered']) {
    const [image] = (await place.inspect(await place.build())).images
    assert.is(image?.digest, digest)
    assert.equal(image?.apps, ['web'])
    assert.equal(image?.reasons, ['application/apps/web/web.yaml:9', 'manifests/imageList:1'])
  }
})

test('an archive that has changed is read again', async () => {
  await using place = await workplace({
    list: 'oci-archive:app.tar',
    Kubefile: 'FROM scratch\nCOPY list manifests/imageList\n',
  })
  const { folder } = place.context
  const digest = await layoutWith(join(folder, 'layout'), 'hub.example/web:1.0')
  const pack = () => execFileSync('tar', ['-cf', join(folder, 'app.tar'), '-C', join(folder, 'layout'), '.'])
  pack()
  assert.is((await place.inspect(await place.build())).images[0]?.digest, digest)
  await rm(join(folder, 'layout'), { recursive: true })
  await layoutWith(join(folder, 'layout'), 'hub.example/other:2.0')
  pack()
  assert.equal((await place.build()).images, ['hub.example/other:2.0'])
})

test('an archive outside of the context, or none at all, is refused with its line', async () => {
  for (const [list, reason] of [
    ['oci:../images', /outside of the build context/],
    ['oci-archive:nosuch.tar', /not in the build context/],
  ] as const) {
    await using place = await workplace({ list, Kubefile: 'FROM scratch\nCOPY list manifests/imageList\n' })
    const error = await rejection<SealerError>(place.build())
    assert.is(error.code, 'IMAGE_LIST_INVALID')
    assert.match(error.message, /^manifests\/imageList:1: /)
    assert.match(error.message, reason)
  }
})

test('other images come from their registry with its digests, once', async () => {
  await using registry = await registryDouble()
  const digest = await serve(registry, 'team/web')
  await using place = await workplace({
    list: `${registry.host}/team/web:1\n`,
    Kubefile: 'FROM scratch\nCOPY list manifests/imageList\n',
  })
  const [image] = (await place.inspect(await place.build())).images
  assert.is(image?.digest, digest)
  const asked = registry.asked.length
  await place.build()
  assert.is(registry.asked.length, asked)
  await place.build({ pull: 'always' })
  assert.ok(registry.asked.length > asked)
})

test('an image that cannot be fetched is told with the lines that need it', async () => {
  await using registry = await registryDouble()
  await using place = await workplace({
    list: `${registry.host}/nosuch:1\n`,
    Kubefile: 'FROM scratch\nCOPY list manifests/imageList\n',
  })
  const error = await rejection<SealerError>(place.build())
  assert.is(error.code, 'CONTAINER_IMAGE_UNAVAILABLE')
  assert.match(error.message, /nosuch:1 is needed \(manifests\/imageList:1\)/)
  assert.is((await rejection<SealerError>(place.store.resolve('app:v1'))).code, 'IMAGE_NOT_FOUND')
})

test('plugins refine the Kubefile and the list of images, and hear of the result', async () => {
  await using place = await workplace({
    list: 'nosuch.example/a:1\n',
    Kubefile: 'FROM scratch\nCOPY list manifests/imageList\n',
  })
  const seen: string[] = []
  place.hooks.build.kubefile.tapPromise('test', async (source) => ({ ...source, platforms: [arm64] }))
  place.hooks.build.images.tapPromise('test', async (images) => {
    seen.push(...images.map(({ reference }) => reference))
    return []
  })
  place.hooks.build.sealed.tapPromise('test', async ({ digest }) => void seen.push(digest))
  const report = await place.build()
  assert.equal(report.platforms, [arm64])
  assert.equal(seen, ['nosuch.example/a:1', report.digest])
})

test('the Kubefile is found as given, then in the context', async () => {
  await using place = await workplace({ 'sub/Other': 'FROM scratch\nLABEL a=other\n', Kubefile: 'FROM scratch\n' })
  for (const file of ['sub/Other', join(place.context.folder, 'sub/Other')]) {
    assert.is((await place.inspect(await place.build({ file }))).config.labels.a, 'other')
  }
  assert.is((await rejection<SealerError>(place.build({ file: 'nosuch' }))).code, 'KUBEFILE_NOT_FOUND')
  assert.is((await rejection<SealerError>(place.build({ context: '/nosuch' }))).code, 'CONTEXT_NOT_FOUND')
  assert.is((await rejection<SealerError>(place.build({ tag: 'NO:TAG:' }))).code, 'REFERENCE_INVALID')
})

test('a file that is no text is refused at once', async () => {
  await using place = await workplace()
  await writeFile(join(place.context.folder, 'Kubefile'), gzipSync('FROM scratch\n'))
  assert.match((await rejection(place.build())).message, /Kubefile:1:1: This file is not text in UTF-8/)
})

test('the ignore file of the Kubefile wins over that of the context', async () => {
  await using place = await workplace({
    Kubefile: 'FROM scratch\nCOPY secret etc/secret\n',
    Other: 'FROM scratch\nCOPY secret etc/secret\n',
    secret: 'x',
    '.kubeignore': 'secret\n',
    'Other.kubeignore': 'Kubefile\n',
  })
  assert.match((await rejection(place.build())).message, /secret is left out of the build context \(.*\.kubeignore:1\)/)
  assert.ok((await place.build({ file: 'Other' })).digest)
})

test('a list outside of the context counts, a missing one is refused', async () => {
  await using place = await workplace()
  await place.context.write('more', 'oci:images\n')
  await layoutWith(join(place.context.folder, 'images'), 'hub.example/more:1')
  assert.equal((await place.build({ imageList: join(place.context.folder, 'more') })).images, ['hub.example/more:1'])
  assert.is((await rejection<SealerError>(place.build({ imageList: '/nosuch' }))).code, 'IMAGE_LIST_INVALID')
})

test('a build argument that nobody declares is told', async () => {
  await using place = await workplace()
  await place.build({ buildArgs: { VERSON: '1' } })
  assert.match(place.logger.warnings[0] ?? '', /the build argument VERSON is given, but no ARG declares it/)
})

test('what all platforms have to say is told once', async () => {
  await using place = await workplace({ Kubefile: 'FROM scratch\nCMD echo a, b\n' })
  await place.build({ platforms: [amd64, arm64] })
  assert.is(place.logger.warnings.length, 1)
})

test('an abort leaves no image', async () => {
  await using place = await workplace()
  assert.is((await rejection(place.build({ signal: AbortSignal.abort() }))).name, 'AbortError')
  assert.equal(await place.store.list(), [])
})

test.run()
