// time limit: 1200 s
// crane and oras are built from their Go modules at the first run, a minute or two each; e2e/images.e2e.ts has skopeo and umoci, at every landing.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Platform } from '../packages/core/src/hosts/host.ts'
import { digestOf } from '../packages/core/src/image/blobs.ts'
import type { RootfsLayer } from '../packages/core/src/image/cluster-config.ts'
import { type PlatformParts, sealImage } from '../packages/core/src/image/cluster-image.ts'
import { mediaTypes } from '../packages/core/src/image/oci.ts'
import { amd64, arm64, smallPlatform, tarOf } from '../packages/core/src/image/small-images.test.support.ts'
import { type LocalStore, openStore } from '../packages/core/src/image/store.ts'
import { goTool } from './support/go-tools.ts'
import { type Registry, startRegistry } from './support/registry.ts'
import { tool } from './support/run-tool.ts'

const test = suite('crane and oras')
const bin = join(import.meta.dirname, '../packages/cli/bin.js')

let world: string
let registry: Registry
let other: Registry
let store: LocalStore
let digest: string
let crane: string
let oras: string

test.before(async () => {
  crane = await goTool('crane')
  oras = await goTool('oras')
  world = await mkdtemp(join(tmpdir(), 'sealer-tools-'))
  registry = await startRegistry()
  other = await startRegistry()
  store = openStore(join(world, 'home/store'))
  digest = (await sealImage(store, { tag: 'app:v1', platforms: [await platformOf(amd64), await platformOf(arm64)] }))
    .digest
  await sealer('home', 'push', 'app:v1', `${registry.host}/team/app:v1`)
})
test.after(async () => {
  await registry?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
  if (world !== undefined) await rm(world, { recursive: true, force: true })
})

// Not of the whole: it takes a companion for a container image, and misses the diff IDs of what is no layer.
test('crane sees the digest, and finds the root file system of both platforms sound', async () => {
  const name = `${registry.host}/team/app`
  assert.is((await tool(crane, 'digest', `${name}:v1`)).trim(), digest)
  const image = await store.resolve('app:v1')
  for (const platform of [amd64, arm64]) {
    const { rootfs } = await store.platform(image, platform)
    assert.match(await tool(crane, 'validate', '--remote', `${name}@${rootfs}`), 'PASS')
  }
})

test('crane copies to another registry, from where sealer pulls the same', async () => {
  await tool(crane, 'copy', `${registry.host}/team/app:v1`, `${other.host}/crane/app:v1`)
  assert.match(await sealer('from-crane', 'pull', `${other.host}/crane/app:v1`), digest)
  assert.match(await sealer('from-crane', 'inspect', digest, '-f', '{{len .Platforms}}'), '2')
})

test('crane unpacks the root file system of a platform', async () => {
  const tar = join(world, 'rootfs.tar')
  await tool(crane, 'export', '--platform', 'linux/arm64', `${registry.host}/team/app:v1`, tar)
  assert.is(await tool('tar', '-xOf', tar, 'etc/arch'), 'arm64')
})

test('a layout that crane has pulled is loaded, and pushed by crane it is the same', async () => {
  const layout = join(world, 'crane-layout')
  await tool(crane, 'pull', '--format', 'oci', `${registry.host}/team/app:v1`, layout)
  assert.match(await sealer('from-layout', 'load', '-t', 'app:v1', layout), digest)
  await tool(crane, 'push', layout, `${other.host}/pushed/app:v1`)
  assert.match(await sealer('from-push', 'pull', `${other.host}/pushed/app:v1`), digest)
})

test('what sealer has saved, crane pushes', async () => {
  const folder = join(world, 'unpacked')
  await tool('mkdir', folder)
  await sealer('home', 'save', 'app:v1', '-o', join(world, 'app.tar'))
  await tool('tar', '-xf', join(world, 'app.tar'), '-C', folder)
  await tool(crane, 'push', folder, `${other.host}/saved/app:v1`)
  assert.is((await tool(crane, 'digest', `${other.host}/saved/app:v1`)).trim(), digest)
})

test('oras sees the digest and the documents as they are', async () => {
  assert.is((await tool(oras, 'resolve', '--plain-http', `${registry.host}/team/app:v1`)).trim(), digest)
  const manifest = await tool(oras, 'manifest', 'fetch', '--plain-http', `${registry.host}/team/app:v1`)
  assert.is(digestOf(Buffer.from(manifest)), digest)
})

test('oras copies to another registry, from where sealer pulls the same', async () => {
  const plain = ['--from-plain-http', '--to-plain-http']
  await tool(oras, 'copy', ...plain, `${registry.host}/team/app:v1`, `${other.host}/oras/app:v1`)
  assert.match(await sealer('from-oras', 'pull', `${other.host}/oras/app:v1`), digest)
})

test('a layout that oras has copied is loaded, though its parts are listed beside it', async () => {
  const layout = join(world, 'oras-layout')
  await tool(oras, 'copy', '--from-plain-http', `${registry.host}/team/app:v1`, '--to-oci-layout', `${layout}:v1`)
  assert.ok(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')).manifests.length > 1)
  assert.match(await sealer('from-oras-layout', 'load', '-t', 'app:v1', layout), digest)
})

test('oras copies out of an archive of sealer', async () => {
  const archive = join(world, 'for-oras.tar')
  await sealer('home', 'save', 'app:v1', '-o', archive)
  await tool(oras, 'copy', '--from-oci-layout', `${archive}@${digest}`, '--to-plain-http', `${other.host}/tar/app:v1`)
  assert.match(await sealer('from-tar', 'pull', `${other.host}/tar/app:v1`), digest)
})

test('an image of another tool is no cluster image, and is told so', async () => {
  await writeFile(join(world, 'note.txt'), 'hello')
  await tool('sh', '-c', `cd ${world} && ${oras} push --plain-http ${other.host}/oras/note:v1 note.txt:text/plain`)
  await tool(crane, 'copy', '--platform', 'linux/amd64', `${registry.host}/team/app:v1`, `${other.host}/single:v1`)
  for (const name of [`${other.host}/oras/note:v1`, `${other.host}/single:v1`]) {
    const said = await sealer('refusing', 'pull', name).catch((error: Error) => error.message)
    assert.match(said, 'IMAGE_NOT_CLUSTER', name)
  }
})

/** The built command, in a home of its own. */
const sealer = (home: string, ...args: readonly string[]): Promise<string> =>
  tool('env', `SEALER_HOME=${join(world, home)}`, process.execPath, bin, ...args)

async function platformOf(platform: Platform): Promise<PlatformParts> {
  const parts = await smallPlatform(store.blobs, platform)
  const layers = [
    await layer({ 'bin/large': randomBytes(300_000) }),
    await layer({ 'etc/arch': platform.architecture }),
  ]
  return { ...parts, layers }
}

async function layer(files: Readonly<Record<string, string | Buffer>>): Promise<RootfsLayer> {
  const tar = await tarOf(files)
  return { blob: { mediaType: mediaTypes.layerGzip, ...(await store.blobs.put(gzipSync(tar))) }, diffId: digestOf(tar) }
}

test.run()
