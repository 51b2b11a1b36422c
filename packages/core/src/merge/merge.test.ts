// time limit: 180 s
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import type { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import { digestOf } from '../image/blobs.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { CarriedImage, ClusterConfig, RootfsLayer } from '../image/cluster-config.ts'
import { sealImage } from '../image/cluster-image.ts'
import { mediaTypes } from '../image/oci.ts'
import { registryDouble } from '../image/registry-double.test.support.ts'
import { rootfsFiles } from '../image/rootfs-files.ts'
import {
  amd64,
  arm64,
  clusterConfig,
  codeOf,
  putContainerImage,
  tarOf,
  temporaryFolder,
} from '../image/small-images.test.support.ts'
import { createImages, storeOf } from '../images.ts'
import { silentLogger } from '../logger.ts'
import { createSecrets } from '../secrets.ts'
import { rejection } from '../testing/rejection.ts'
import { mergeLayers } from './merge-layers.ts'

const test = suite('merge')

type Files = Readonly<Record<string, string>>

/** What an image of these tests is made of; everything else is empty. */
interface Small {
  readonly layers?: readonly Files[]
  readonly config?: Partial<ClusterConfig>
  readonly carries?: readonly string[]
  /** Of a carried image, other content than its name has elsewhere. */
  readonly otherwise?: boolean
  readonly platforms?: readonly Platform[]
}

/** A home in which images are made and merged. */
async function workplace() {
  const home = await temporaryFolder()
  const images = createImages({ home: home.path, secrets: createSecrets(), logger: silentLogger, clock: systemClock })
  const store = storeOf(home.path, systemClock)
  const layer = async (files: Files): Promise<RootfsLayer> => {
    const tar = await tarOf(files)
    return {
      blob: { mediaType: mediaTypes.layerGzip, ...(await store.blobs.put(gzipSync(tar))) },
      diffId: digestOf(tar),
    }
  }
  const carried = async (name: string, otherwise: boolean, platform: Platform): Promise<CarriedImage> => ({
    ...(await putContainerImage(store.blobs, otherwise ? `other ${name}` : name, platform)),
    reference: name,
    apps: [],
    reasons: [`found ${otherwise ? 'there' : 'here'}`],
  })
  const image = async (tag: string, { layers = [{}], config = {}, carries = [], ...small }: Small = {}) => {
    const { otherwise = false, platforms = [amd64] } = small
    const parts = []
    for (const platform of platforms) {
      const full = { ...clusterConfig(platform), apps: [], launch: [], env: {}, ...config }
      const ociConfig = { Env: [], Labels: full.labels }
      const images = await Promise.all(carries.map((name) => carried(name, otherwise, platform)))
      parts.push({ platform, layers: await Promise.all(layers.map(layer)), config: full, ociConfig, images })
    }
    return sealImage(store, { tag, platforms: parts })
  }
  const merged = async (references: readonly string[] = ['a:v1', 'b:v1']) => {
    const report = await images.merge(references, 'c:v1')
    const platform = await store.platform(await store.resolve('c:v1'), amd64)
    const files = (await images.files('c:v1', amd64)).map(({ path, size }) => `${path} ${size}`)
    return { report, platform, config: platform.config, files }
  }
  const conflicts = async (references: readonly string[] = ['a:v1', 'b:v1']): Promise<string> => {
    const error = await rejection<SealerError>(images.merge(references, 'c:v1'))
    assert.is(error.code, 'MERGE_CONFLICTS')
    assert.is(await codeOf(store.resolve('c:v1')), 'IMAGE_NOT_FOUND')
    return error.problems.map(({ message }) => message.replaceAll('docker.io/library/', '')).join('\n')
  }
  return { ...home, images, store, layer, image, merged, conflicts }
}

const app = (name: string, file = `${name}.yaml`) => ({ name, type: 'kube' as const, files: [file] })
const appImage = { type: 'app-installer' as const, runtime: { type: 'kubernetes' } }

test('files, apps, env and container images of all are in the merged one; launches come in the order of the images', async () => {
  await using place = await workplace()
  await place.image('a:v1', {
    layers: [{ 'bin/kubelet': 'kubelet' }, { 'application/apps/web/web.yaml': 'web' }],
    config: { apps: [app('web')], launch: ['web'], env: { A: '1', SAME: 'x' }, cmds: ['echo a'] },
    carries: ['docker.io/library/web:1', 'docker.io/library/both:1'],
  })
  await place.image('b:v1', {
    layers: [{ 'application/apps/db/db.yaml': 'db' }],
    config: { ...appImage, apps: [app('db')], launch: ['db'], env: { B: '2', SAME: 'x' }, cmds: ['echo b'] },
    carries: ['docker.io/library/both:1', 'docker.io/library/db:1'],
  })
  const { report, platform, config, files } = await place.merged()
  assert.equal(files, ['application/apps/db/db.yaml 2', 'application/apps/web/web.yaml 3', 'bin/kubelet 7'])
  assert.equal(
    config.apps.map(({ name }) => name),
    ['web', 'db'],
  )
  assert.equal(config.launch, ['web', 'db'])
  assert.equal(config.cmds, ['echo a', 'echo b'])
  assert.equal(config.env, { A: '1', SAME: 'x', B: '2' })
  assert.is(config.type, 'kube-installer')
  assert.equal(config.runtime, { type: 'kubernetes', version: 'v1.34.4' })
  assert.equal(
    platform.images.map(({ reference }) => reference),
    ['both', 'db', 'web'].map((name) => `docker.io/library/${name}:1`),
  )
  assert.equal(report.images, ['docker.io/library/a:v1', 'docker.io/library/b:v1'])
  assert.equal(report.warnings, [])
})

test('equal images in the same order give an equal digest, on any machine', async () => {
  const digests = []
  for (let machine = 0; machine < 2; machine++) {
    await using place = await workplace()
    await place.image('a:v1', { layers: [{ x: '1' }], config: { env: { A: '1' } } })
    await place.image('b:v1', { layers: [{ y: '2' }], config: { env: { B: '1' } } })
    digests.push((await place.merged()).report.digest)
  }
  assert.is(digests[0], digests[1])
})

test('what images begin with together stands once, and each may have changed it', async () => {
  await using place = await workplace()
  const base = { 'etc/one': 'old', 'etc/two': 'old', 'etc/three': 'old' }
  await place.image('base:v1', { layers: [base] })
  await place.image('a:v1', { layers: [base, { 'etc/one': 'newer' }] })
  await place.image('b:v1', { layers: [base, { 'etc/two': 'newest', 'etc/.wh.three': '' }] })
  const { platform, files } = await place.merged(['base:v1', 'a:v1', 'b:v1'])
  assert.is(platform.layers.length, 3)
  assert.equal(files, ['etc/one 5', 'etc/two 6'])
})

test('an image that is built upon another adds what is its own', async () => {
  await using place = await workplace()
  await place.image('a:v1', { layers: [{ x: '1' }, { y: '1' }] })
  await place.image('b:v1', { layers: [{ x: '1' }] })
  const { platform, files } = await place.merged(['b:v1', 'a:v1'])
  assert.is(platform.layers.length, 2)
  assert.equal(files, ['x 1', 'y 1'])
})

test('the same file of two images is one', async () => {
  await using place = await workplace()
  await place.image('a:v1', { layers: [{ 'etc/x': 'same', 'etc/a': '' }] })
  await place.image('b:v1', { layers: [{ 'etc/x': 'same', 'etc/b': '' }] })
  assert.equal((await place.merged()).files, ['etc/a 0', 'etc/b 0', 'etc/x 4'])
})

for (const [what, first, second, told] of [
  ['content', { 'etc/x': 'one' }, { 'etc/x': 'two' }, 'a:v1 and b:v1 have different content at etc/x'],
  [
    'a file that the other takes away',
    { 'etc/x': '1' },
    { 'etc/.wh.x': '' },
    'do not agree on etc/x: the second takes it',
  ],
  [
    'a file in a folder that the other takes away',
    { 'etc/x': '1' },
    { '.wh.etc': '' },
    'do not agree on etc: one has files',
  ],
  [
    'a file in a folder that the other hides',
    { 'etc/.wh..wh..opq': '' },
    { 'etc/x': '1' },
    'do not agree on etc: one has',
  ],
  ['a file where the other has a folder', { etc: '1' }, { 'etc/x': '1' }, 'do not agree on etc: one has files in it'],
] as const) {
  test(`conflict of files: ${what}`, async () => {
    await using place = await workplace()
    await place.image('a:v1', { layers: [first] })
    await place.image('b:v1', { layers: [second] })
    assert.match(await place.conflicts(), told)
  })
}

test('a file that a later layer of the same image has replaced is no conflict', async () => {
  await using place = await workplace()
  await place.image('a:v1', { layers: [{ 'etc/x': 'draft' }, { 'etc/x': 'final' }] })
  await place.image('b:v1', { layers: [{ 'etc/x': 'final' }] })
  assert.equal((await place.merged()).files, ['etc/x 5'])
})

test('layers go together exactly where it does not matter which come first, and then nothing of either is lost', async () => {
  await using place = await workplace()
  const { blobs } = place.store
  const notes = new CacheNotes(join(place.path, 'notes'))
  const treeOf = async (layers: readonly RootfsLayer[]) =>
    (await rootfsFiles(layers, blobs, notes)).map(({ path, digest }) => `${path} ${digest}`)
  const layer = fc.dictionary(
    fc.constantFrom('a', 'd/x', 'd/y', 'd/e/z', '.wh.a', '.wh.d', 'd/.wh.x', 'd/.wh.e', 'd/.wh..wh..opq'),
    fc.constantFrom('1', '2'),
    { maxKeys: 3 },
  )
  const stack = fc.array(layer, { minLength: 1, maxLength: 2 })
  const makeAll = (files: readonly Files[]) => Promise.all(files.map(place.layer))
  await fc.assert(
    fc.asyncProperty(stack, stack, async (first, second) => {
      const [a, b] = [await makeAll(first), await makeAll(second)]
      fc.pre(a[0]?.diffId !== b[0]?.diffId) // what they share is not merged
      const both = [
        { name: 'a', value: a },
        { name: 'b', value: b },
      ]
      const { value, conflicts } = await mergeLayers(both, { blobs, notes })
      const union = [...new Set([...(await treeOf(a)), ...(await treeOf(b))])].sort()
      const [over, under] = [await treeOf([...a, ...b]), await treeOf([...b, ...a])]
      const agree = isDeepStrictEqual(over, union) && isDeepStrictEqual(under, union)
      assert.is(conflicts.length === 0, agree, JSON.stringify({ first, second, conflicts }))
      if (agree) assert.equal(await treeOf(value), union)
    }),
    { numRuns: 100 },
  )
})

for (const [what, first, second, told] of [
  [
    'apps',
    { apps: [app('web')] },
    { apps: [app('web', 'other.yaml')] },
    'linux/amd64: a:v1 and b:v1 have different apps named web',
  ],
  ['env', { env: { A: '1' } }, { env: { A: '2' } }, 'set A to different values'],
  ['runtimes', { runtime: { type: 'k3s' } }, {}, 'different runtimes, k3s and kubernetes'],
  [
    'versions of the runtime',
    {},
    { runtime: { type: 'kubernetes', version: 'v1.33.0' } },
    'different versions of their runtime, v1.34.4 and v1.33.0',
  ],
  [
    'networks',
    { apps: [{ ...app('calico'), kind: 'cni' as const }] },
    { apps: [{ ...app('flannel'), kind: 'cni' as const }] },
    'bring a network each: calico and flannel',
  ],
  [
    'ranges of versions',
    { ...appImage, requirements: { kubernetes: '<1.20' } },
    { ...appImage, requirements: { kubernetes: '>=1.30' } },
    'want versions of Kubernetes that no version meets: <1.20 and >=1.30',
  ],
  [
    'a range and the version that is brought',
    {},
    { ...appImage, requirements: { kubernetes: '>=1.26 <1.30' } },
    'the first brings Kubernetes 1.34.4, the second wants >=1.26 <1.30',
  ],
] as const) {
  test(`conflict of what they say: ${what}`, async () => {
    await using place = await workplace()
    await place.image('a:v1', { config: first })
    await place.image('b:v1', { config: second })
    assert.match(await place.conflicts(), told)
  })
}

test('one name for two container images is a conflict; one image needed twice keeps both reasons', async () => {
  await using place = await workplace()
  await place.image('a:v1', { carries: ['docker.io/library/web:1'] })
  await place.image('b:v1', { carries: ['docker.io/library/web:1'], otherwise: true })
  assert.match(await place.conflicts(), /carry different images as web:1: sha256:\w{64} and sha256:\w{64}/)
  await place.image('b:v1', { carries: ['docker.io/library/web:1'], config: { env: { B: '1' } } })
  assert.equal((await place.merged()).platform.images[0]?.reasons, ['found here'])
})

test('all conflicts are told at once', async () => {
  await using place = await workplace()
  await place.image('a:v1', { layers: [{ x: '1', y: '1' }], config: { env: { A: '1' } } })
  await place.image('b:v1', { layers: [{ x: '2', y: '2' }], config: { env: { A: '2' } } })
  assert.is((await place.conflicts()).split('\n').length, 3)
})

test('of two labels the later stands, with a remark; those that have a meaning follow it', async () => {
  await using place = await workplace()
  const version = 'cluster.alpha.sealer.io/cluster-runtime-version'
  const range = 'app.alpha.sealer.io/supported-kube-version'
  await place.image('a:v1', { config: { labels: { title: 'a', [version]: 'v1.34.4' } } })
  const labels = { title: 'b', [version]: 'v9', [range]: '>=1.26' }
  await place.image('b:v1', { config: { ...appImage, labels, requirements: { kubernetes: '>=1.26' } } })
  const { config, report } = await place.merged()
  assert.equal(config.labels, { title: 'b', [version]: 'v1.34.4', [range]: '>=1.26' })
  assert.equal(report.warnings, ['the label title is that of docker.io/library/b:v1; others have another.'])
})

test('two ranges are met together', async () => {
  await using place = await workplace()
  await place.image('a:v1', { config: { ...appImage, requirements: { kubernetes: '>=1.26 <1.36 || 1.40' } } })
  await place.image('b:v1', { config: { ...appImage, requirements: { kubernetes: '1.30 - 1.35' } } })
  const { config } = await place.merged()
  assert.equal(config.requirements, { kubernetes: '>=1.26.0 <1.36.0-0 >=1.30.0 <1.36.0-0' })
  assert.is(config.type, 'app-installer')
})

test('platforms that all images have are merged, or those that are asked for', async () => {
  await using place = await workplace()
  await place.image('a:v1', { platforms: [amd64, arm64] })
  await place.image('b:v1', { platforms: [arm64], config: { env: { B: '1' } } })
  const report = await place.images.merge(['a:v1', 'b:v1'], 'c:v1')
  assert.equal(report.platforms, [arm64])
  assert.equal(report.warnings, [
    'linux/amd64 of docker.io/library/a:v1 is left out, since not all of the images have it.',
  ])
  const asked = place.images.merge(['a:v1', 'b:v1'], 'c:v1', { platforms: [amd64] })
  assert.is(await codeOf(asked), 'IMAGE_PLATFORM_MISSING')
  await place.image('b:v1', { config: { env: { B: '1' } } })
  await place.image('a:v1', { platforms: [arm64] })
  assert.is(await codeOf(place.images.merge(['a:v1', 'b:v1'], 'c:v1')), 'MERGE_NO_PLATFORM')
})

test('one image, or the same twice, is nothing to merge', async () => {
  await using place = await workplace()
  await place.image('a:v1')
  assert.is(await codeOf(place.images.merge(['a:v1'], 'c:v1')), 'MERGE_TOO_FEW')
  assert.is(await codeOf(place.images.merge(['a:v1', 'a:v1'], 'c:v1')), 'MERGE_TOO_FEW')
})

test('an image that this machine lacks is pulled', async () => {
  await using registry = await registryDouble()
  await using there = await workplace()
  await there.image('b:v1', { config: { env: { B: '1' } } })
  const name = `${registry.host}/team/b:v1`
  await there.images.push('b:v1', name)
  await using place = await workplace()
  await place.image('a:v1')
  assert.equal((await place.merged(['a:v1', name])).config.env, { B: '1' })
})

test.run()
