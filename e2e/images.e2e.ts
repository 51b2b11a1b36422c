// landing, time limit: 240 s
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import type { SealerError } from '../packages/core/src/errors.ts'
import type { Platform } from '../packages/core/src/hosts/host.ts'
import { readArchiveImages } from '../packages/core/src/image/archives.ts'
import { digestOf } from '../packages/core/src/image/blobs.ts'
import type { RootfsLayer } from '../packages/core/src/image/cluster-config.ts'
import { type PlatformParts, sealImage } from '../packages/core/src/image/cluster-image.ts'
import { mediaTypes } from '../packages/core/src/image/oci.ts'
import { RegistryClient } from '../packages/core/src/image/registry-client.ts'
import {
  amd64,
  arm64,
  putContainerImage,
  smallPlatform,
  tarOf,
} from '../packages/core/src/image/small-images.test.support.ts'
import { type LocalStore, openStore } from '../packages/core/src/image/store.ts'
import { createImages } from '../packages/core/src/images.ts'
import { silentLogger } from '../packages/core/src/logger.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { rejection } from '../packages/core/src/testing/rejection.ts'
import { hasRegistry, type Registry, startRegistry, startRelay } from './support/registry.ts'

const test = suite('images')
const MiB = 1024 * 1024

let world: string
let registry: Registry
let home: string
let store: LocalStore
/** Digest of `app:v1`: two platforms, each with a rootfs of two layers and a container image. */
let digest: string

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry, skopeo and umoci.')
  world = await mkdtemp(join(tmpdir(), 'sealer-images-'))
  registry = await startRegistry()
  home = join(world, 'home')
  store = openStore(join(home, 'store'))
  const platforms = [await platformOf(amd64), await platformOf(arm64)]
  digest = (await sealImage(store, { tag: 'app:v1', platforms })).digest
})
test.after(async () => {
  await registry?.[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
})

test('an image goes through the registry into an empty store with its digest', async () => {
  const name = `${registry.host}/team/app:v1`
  const pushed = await imagesOf(home).push('app:v1', name)
  assert.is(pushed.digest, digest)
  assert.is((await imagesOf(home).push('app:v1', name)).sent, 0)

  const images = imagesOf(join(world, 'empty'))
  const pulled = await images.pull(name)
  assert.is(pulled.digest, digest)
  assert.equal(pulled.platforms, [amd64, arm64])
  assert.is((await images.inspect(name)).platforms[1]?.images[0]?.reference, 'docker.io/library/web:v1')
})

test('blobs that another repository of the registry has are not sent again', async () => {
  const images = imagesOf(home)
  await images.push('app:v1', `${registry.host}/team/app:v1`)
  await images.tag('app:v1', `${registry.host}/team/app:v1`)
  const { sent, present } = await images.push('app:v1', `${registry.host}/other/app:v1`)
  assert.ok(sent < 10_000 && present > 2 * MiB, `${sent} sent, ${present} present`)
})

test('skopeo copies all of it from layout to registry to layout and keeps the digest', async () => {
  const layout = join(world, 'skopeo')
  skopeo('copy', '--all', `oci:${store.path}:docker.io/library/app:v1`, `docker://${registry.host}/skopeo/app:v1`)
  skopeo('copy', '--all', `docker://${registry.host}/skopeo/app:v1`, `oci:${layout}:docker.io/library/app:v1`)
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
  assert.is(index.manifests[0].digest, digest)
  const [loaded] = await imagesOf(join(world, 'from-skopeo')).load(layout)
  assert.is(loaded?.digest, digest)
  assert.is((await imagesOf(join(world, 'from-registry')).pull(`${registry.host}/skopeo/app:v1`)).digest, digest)
})

test('skopeo reads a saved archive', async () => {
  const file = join(world, 'app.tar')
  await imagesOf(home).save('app:v1', file)
  skopeo('copy', '--all', `oci-archive:${file}:docker.io/library/app:v1`, `oci:${join(world, 'unsaved')}:v1`)
  const index = JSON.parse(await readFile(join(world, 'unsaved/index.json'), 'utf8'))
  assert.is(index.manifests[0].digest, digest)
})

test('umoci unpacks the root file system', async () => {
  const layout = join(world, 'one-platform')
  await imagesOf(home).push('app:v1', `${registry.host}/team/app:v1`)
  skopeo('copy', '--override-arch', 'arm64', `docker://${registry.host}/team/app:v1`, `oci:${layout}:v1`)
  execFileSync('umoci', ['unpack', '--image', `${layout}:v1`, join(world, 'bundle')], { stdio: 'pipe' })
  assert.is(await readFile(join(world, 'bundle/rootfs/etc/arch'), 'utf8'), 'arm64')
  assert.is((await stat(join(world, 'bundle/rootfs/bin/large'))).size, MiB)
})

test('a killed pull goes on: nothing that was complete comes again, the rest from where it stopped', async () => {
  const name = (host: string) => `${host}/big/app:v1`
  const layers = await Promise.all(Array.from({ length: 3 }, () => layer({ 'bin/big': randomBytes(8 * MiB) })))
  const parts = { ...(await platformOf(amd64)), layers }
  const sealed = await sealImage(store, { tag: 'big:v1', platforms: [parts] })
  await imagesOf(home).push('big:v1', name(registry.host))

  await using relay = await startRelay(registry.host, 6 * MiB)
  const there = join(world, 'killed')
  const child = startPull(there, name(relay.host))
  const ended = once(child, 'exit')
  while (relay.received() < 12 * MiB && child.exitCode === null) await pause(20)
  child.kill('SIGKILL')
  await ended
  assert.equal(await imagesOf(there).list(), [])
  assert.ok((await readdir(join(there, 'store/partial'))).length > 0)

  relay.cut()
  await pause(100)
  const before = relay.received()
  const kept = await bytesIn(join(there, 'store'))
  assert.is((await imagesOf(there).pull(name(relay.host))).digest, sealed.digest)
  const again = relay.received() - before
  const whole = (await store.resolve('big:v1')).size
  assert.ok(kept > 4 * MiB, `${kept} bytes were kept`)
  assert.ok(again < whole - kept + MiB, `${again} bytes came again, ${whole - kept} were missing`)
  assert.equal(await readdir(join(there, 'store/partial')), [])
})

test('two pulls at the same time bring each blob once', async () => {
  const layers = [await layer({ 'bin/big': randomBytes(4 * MiB) })]
  const sealed = await sealImage(store, { tag: 'both:v1', platforms: [{ ...(await platformOf(amd64)), layers }] })
  await imagesOf(home).push('both:v1', `${registry.host}/both/app:v1`)
  await using relay = await startRelay(registry.host, 4 * MiB)
  const there = join(world, 'both')
  const children = [1, 2].map(() => startPull(there, `${relay.host}/both/app:v1`))
  assert.equal(await Promise.all(children.map((child) => once(child, 'exit'))), [
    [0, null],
    [0, null],
  ])
  assert.is((await imagesOf(there).list())[0]?.digest, sealed.digest)
  assert.ok(relay.received() < 5 * MiB, `${relay.received()} bytes came`)
})

// This registry forgets an upload whose connection broke (2.8 cancels it), so that blob begins again; complete ones do not.
test('a push whose connection breaks ends well', async () => {
  const layers = [await layer({ 'bin/first': randomBytes(MiB) }), await layer({ 'bin/big': randomBytes(8 * MiB) })]
  await sealImage(store, { tag: 'broken:v1', platforms: [{ ...(await platformOf(amd64)), layers, images: [] }] })
  await using relay = await startRelay(registry.host, 8 * MiB)
  const pushing = imagesOf(home).push('broken:v1', `${relay.host}/broken/app:v1`)
  while (relay.sent() < 6 * MiB) await pause(10)
  relay.cut()
  const broken = relay.sent()
  const { digest: pushed } = await pushing
  assert.is(pushed, (await store.resolve('broken:v1')).digest)
  assert.ok(relay.sent() - broken < 8.5 * MiB, `${relay.sent() - broken} bytes were sent afterwards`)
})

test('a blob that the registry has damaged is refused, alone, and no name points at the image', async () => {
  const name = `${registry.host}/damaged/app:v1`
  const images = imagesOf(join(world, 'damaged'))
  await imagesOf(home).push('app:v1', name)
  const victim = (await store.platform(await store.resolve('app:v1'), amd64)).layers[0]?.blob.digest ?? ''
  await flip(registry.blobFile(victim))
  const error = await rejection<SealerError>(images.pull(name))
  assert.is(error.code, 'BLOB_CORRUPT')
  assert.match(error.message, victim)
  assert.equal(await images.list(), [])
  assert.not(await images.store.has(victim))
  await flip(registry.blobFile(victim))
  assert.is((await images.pull(name)).digest, digest)
})

test('a registry that wants a login', async () => {
  await using closed = await startRegistry({ login: true })
  const images = imagesOf(home)
  const name = `${closed.host}/team/app:v1`
  assert.is((await rejection<SealerError>(images.push('app:v1', name))).code, 'REGISTRY_DENIED')
  assert.is((await rejection<SealerError>(images.login(closed.host, 'ann', 'value:wrong-one'))).code, 'LOGIN_FAILED')
  await images.login(closed.host, 'ann', 'value:pa55word')
  assert.is((await stat(join(home, 'auth.json'))).mode & 0o777, 0o600)
  assert.is((await images.push('app:v1', name)).digest, digest)
  await images.logout(closed.host)
  assert.is((await rejection<SealerError>(images.pull(name))).code, 'REGISTRY_DENIED')
})

test('a container image keeps its upstream digests, from the registry and from the archives of skopeo', async () => {
  const upstream = openStore(join(world, 'upstream'))
  const images = [
    await putContainerImage(upstream.blobs, 'docker.io/library/web:v1', amd64),
    await putContainerImage(upstream.blobs, 'docker.io/library/web:v1', arm64),
  ]
  const manifests = images.map((image, i) => ({ ...image.blobs[0], platform: [amd64, arm64][i] }))
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }))
  const { digest: rootDigest, size } = await upstream.blobs.put(index)
  const names = { 'org.opencontainers.image.ref.name': 'docker.io/library/web:v1' }
  const entry = { mediaType: mediaTypes.index, digest: rootDigest, size, annotations: names }
  await writeFile(join(upstream.path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(upstream.path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  skopeo('copy', '--all', `oci:${upstream.path}:docker.io/library/web:v1`, `docker://${registry.host}/library/web:v1`)

  await using client = new RegistryClient({ home, clock: systemClock, secrets: createSecrets() })
  const fetched = await client.fetchImage(`${registry.host}/library/web:v1`, arm64, openStore(join(world, 'a')).blobs)
  assert.is(fetched.digest, rootDigest)
  const wanted = [rootDigest, ...(images[1]?.blobs ?? []).map((blob) => blob.digest)]
  assert.equal(
    fetched.blobs.map((blob) => blob.digest),
    wanted,
  )

  const oci = join(world, 'web.oci.tar')
  skopeo('copy', '--all', `docker://${registry.host}/library/web:v1`, `oci-archive:${oci}:docker.io/library/web:v1`)
  const [fromOci] = await readArchiveImages(oci, 'oci-archive', openStore(join(world, 'b')).blobs, arm64)
  assert.equal(
    fromOci?.blobs.map((blob) => blob.digest),
    wanted,
  )

  const docker = join(world, 'web.docker.tar')
  skopeo(
    'copy',
    '--override-arch',
    'amd64',
    `docker://${registry.host}/library/web:v1`,
    `docker-archive:${docker}:web:v1`,
  )
  const [fromDocker] = await readArchiveImages(docker, 'docker-archive', openStore(join(world, 'c')).blobs, amd64)
  assert.is(fromDocker?.reference, 'docker.io/library/web:v1')
  assert.is(fromDocker?.blobs.length, 3)
})

const imagesOf = (path: string) =>
  createImages({ home: path, secrets: createSecrets(), logger: silentLogger, clock: systemClock })

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A pull in a process of its own. */
function startPull(into: string, name: string): ChildProcess {
  const program = join(import.meta.dirname, 'support/pull-main.ts')
  const args = ['--import', 'tsx', '--conditions=@sealer/source', program, into, name]
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function skopeo(command: string, ...args: readonly string[]): void {
  const plainHttp = ['--src-tls-verify=false', '--dest-tls-verify=false']
  execFileSync('skopeo', ['--insecure-policy', command, ...plainHttp, ...args], { stdio: 'pipe' })
}

async function platformOf(platform: Platform): Promise<PlatformParts> {
  const base = await smallPlatform(store.blobs, platform)
  const large = await layer({ 'bin/large': randomBytes(MiB) })
  return {
    ...base,
    layers: [large, await layer({ 'etc/arch': platform.architecture })],
    images: base.images.slice(0, 1),
  }
}

async function layer(files: Readonly<Record<string, string | Buffer>>): Promise<RootfsLayer> {
  const tar = await tarOf(files)
  return { blob: { mediaType: mediaTypes.layerGzip, ...(await store.blobs.put(gzipSync(tar))) }, diffId: digestOf(tar) }
}

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** Turns one byte of a file around; twice is as before. */
async function flip(path: string): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 100)
  await file.write(Buffer.from([~(buffer[0] ?? 0) & 0xff]), 0, 1, 100)
  await file.close()
}

test.run()
