// landing, time limit: 400 s
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CarriedImage, MergeReport } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linksOf } from '../packages/core/src/distribution/registry-names.ts'
import { refusalOf } from './support/refusal.ts'
import { hasRegistry, type Registry, startRegistry } from './support/registry.ts'
import { tool } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// Images that sealer 0.9 to 0.11 have made, with the built command, a real registry, and independent readers.

const test = suite('old images')
const genuine = join(import.meta.dirname, '../packages/core/src/old-images/testdata')
const archiveOf = (name: string) => join(genuine, name, 'image.oci.tar')

let world: string
let registry: Registry
const site = await Site.open()

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry, skopeo and umoci.')
  world = await mkdtemp(join(tmpdir(), 'sealer-old-images-'))
  registry = await startRegistry()
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
})

interface Shown {
  readonly digest: string
  readonly origin?: string
  readonly platforms: readonly {
    readonly rootfs: string
    readonly config: { readonly apps: readonly { readonly name: string }[]; readonly launch: readonly string[] }
    readonly images: readonly CarriedImage[]
  }[]
}
const shown = async (image: string): Promise<Shown> => JSON.parse(await site.sealer('inspect', image))

const skopeo = (...args: readonly string[]) => {
  const [command = '', ...rest] = args
  const tls = command === 'copy' ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : ['--tls-verify=false']
  return tool('skopeo', command, ...tls, ...rest)
}
const digestIn = async (name: string): Promise<string> => JSON.parse(await skopeo('inspect', `docker://${name}`)).Digest

test('an old image that stands in a registry is pulled, and what is pushed again still holds it', async () => {
  const name = `${registry.host}/old/clusterimage:v1`
  await skopeo('copy', `oci-archive:${archiveOf('clusterimage')}`, `docker://${name}`)
  const original = await digestIn(name)
  await site.sealer('pull', name)
  const image = await shown(name)
  assert.is(image.origin, original)
  assert.is(image.platforms[0]?.rootfs, original)
  assert.is(image.platforms[0]?.images.length, 6)

  const again = `${registry.host}/new/clusterimage:v1`
  await site.sealer('push', name, again)
  const layout = join(world, 'as-the-original-pulls')
  await skopeo('copy', '--preserve-digests', '--override-arch', 'amd64', `docker://${again}`, `oci:${layout}:v1`)
  const [pulled] = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')).manifests
  assert.is(pulled.digest, original, 'who takes one platform out of the index has the original manifest')
  const manifest = JSON.parse(await readFile(join(layout, 'blobs/sha256', original.slice('sha256:'.length)), 'utf8'))
  assert.match(manifest.annotations['sealer.image.extension'], '"cni"')

  await using other = await Site.open()
  await other.sealer('pull', again)
  assert.is(JSON.parse(await other.sealer('inspect', again)).digest, image.digest)
})

test('the container images of an old image are those in the storage folder that umoci unpacks', async () => {
  await site.sealer('load', archiveOf('appimage'))
  const carried = (await shown('example.test/demo/appimage:v1')).platforms[0]?.images ?? []
  const layout = join(world, 'appimage')
  await skopeo('copy', `oci-archive:${archiveOf('appimage')}`, `oci:${layout}:v1`)
  const bundle = join(world, 'bundle')
  await tool('umoci', 'unpack', '--image', `${layout}:v1`, bundle)
  const repositories = join(bundle, 'rootfs/registry/docker/registry/v2/repositories/demo')
  const stored = await readdir(repositories)
  assert.equal(
    carried.map(({ reference }) => reference.replace(/^hub.example:5099\/demo\/|:.*$/g, '')).sort(),
    stored.sort(),
  )
})

test('a registry on the storage of a host serves them, in the form of docker too', async () => {
  const [platform] = (await shown('example.test/demo/appimage:v1')).platforms
  const carried = platform?.images ?? []
  assert.ok(carried.some(({ mediaType }) => mediaType.includes('docker')))
  const put = async (file: string, content: Buffer | string) => {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  const [storage = ''] = registry.blobFile('sha256:00').split('docker/registry')
  for (const { digest } of carried.flatMap(({ blobs }) => blobs))
    await put(
      registry.blobFile(digest),
      await readFile(join(site.home, 'store/blobs/sha256', digest.slice('sha256:'.length))),
    )
  for (const { path, digest } of linksOf(carried)) await put(join(storage, path), digest)
  for (const { reference } of carried) {
    const place = `${registry.host}/${reference.replace(':5099', '__5099')}`
    await skopeo('copy', '--override-arch', 'amd64', `docker://${place}`, `dir:${join(world, 'served')}`)
  }
})

test('an archive of several platforms comes through a pipe', async () => {
  const child = site.start(['load', '-', '--output', 'json'])
  createReadStream(archiveOf('multiarch')).pipe(child.stdin ?? process.stdout)
  await new Promise((resolve) => child.once('close', resolve))
  assert.is(child.exitCode, 0)
  const image = await shown('example.test/demo/multiarch:v1')
  assert.equal(
    image.platforms.map(({ images }) => images.map(({ reference }) => reference)),
    [['hub.example:5099/demo/hello:1.0'], ['hub.example:5099/demo/hello:1.0']],
  )
})

test('two registries in one place are told by name; a form without metadata says what to do', async () => {
  const collision = await site.try(['load', archiveOf('collision')])
  assert.is(collision.code, 0)
  assert.match(collision.stderr, 'hub.example:5099/demo/hello:1.0 and other.example:5099/demo/hello:1.0')
  const docker = await site.try(['load', join(genuine, 'clusterimage/image.docker.tar'), '--output', 'json'])
  const { error } = refusalOf(docker)
  assert.is(error.code, 'OLD_IMAGE_WITHOUT_METADATA')
  assert.match(error.hint, '--format oci-archive')
})

test('an image is built upon an old one, and keeps its apps', async () => {
  const context = join(world, 'context')
  await mkdir(context)
  await writeFile(join(context, 'more.yaml'), 'apiVersion: v1\nkind: Service\nmetadata: {name: more}\n')
  const kubefile = 'FROM example.test/demo/appimage:v1\nAPP more local://more.yaml\nLAUNCH mix more\n'
  await writeFile(join(context, 'Kubefile'), kubefile)
  await site.sealer('build', '-t', 'upon:v1', '--pull', 'never', context)
  const [platform] = (await shown('upon:v1')).platforms
  assert.equal(platform?.config.launch, ['mix', 'more'])
  assert.is(platform?.images.length, 4)
})

test('merged images are one: files, apps and container images of both, as other tools see it too', async () => {
  await site.sealer('load', archiveOf('clusterimage'))
  const merge = ['merge', 'example.test/demo/clusterimage:v1', 'example.test/demo/appimage:v1', '-t']
  const report: MergeReport = JSON.parse(await site.sealer(...merge, 'both:v1', '--output', 'json'))
  assert.is(
    (JSON.parse(await site.sealer(...merge, 'same:v1', '--output', 'json')) as MergeReport).digest,
    report.digest,
  )
  const [platform] = (await shown('both:v1')).platforms
  assert.equal(
    platform?.config.apps.map(({ name }) => name),
    ['cni', 'cache', 'mix', 'ops', 'pair', 'web'],
  )
  assert.equal(platform?.config.launch, ['web', 'cache', 'ops', 'mix'])
  assert.is(platform?.images.length, 7)

  const name = `${registry.host}/merged/both:v1`
  await site.sealer('push', 'both:v1', name)
  const layout = join(world, 'merged')
  await skopeo('copy', '--override-arch', 'amd64', `docker://${name}`, `oci:${layout}:v1`)
  await tool('umoci', 'unpack', '--image', `${layout}:v1`, join(world, 'both'))
  for (const file of ['bin/democtl', 'application/apps/cni/cni.yaml', 'application/apps/mix/install.sh'])
    assert.ok((await readFile(join(world, 'both/rootfs', file))).length > 0, file)
})

test('images that do not go together are refused with every conflict', async () => {
  await site.sealer('load', archiveOf('inherited'))
  for (const [name, arg] of [
    ['one', '1'],
    ['two', '2'],
  ] as const) {
    const context = join(world, name)
    await mkdir(context)
    await writeFile(join(context, 'conf'), arg)
    await writeFile(
      join(context, 'Kubefile'),
      `FROM example.test/demo/clusterimage:v1\nENV A=${arg}\nCOPY conf etc/conf\n`,
    )
    await site.sealer('build', '-t', `${name}:v1`, '--pull', 'never', context)
  }
  const { error } = refusalOf(await site.try(['merge', 'one:v1', 'two:v1', '-t', 'no:v1', '--output', 'json']))
  assert.is(error.code, 'MERGE_CONFLICTS')
  const told = (error.problems ?? []).map(({ message }) => message).join('\n')
  assert.match(told, 'set A to different values')
  assert.match(told, 'have different content at etc/conf')
  assert.is(refusalOf(await site.try(['inspect', 'no:v1', '--output', 'json'])).error.code, 'IMAGE_NOT_FOUND')
})

test.run()
