// time limit: 180 s
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AppConfig, PlatformImage } from '../image/cluster-config.ts'
import { loadImages } from '../image/load.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { amd64, arm64, codeOf, temporaryFolder, temporaryStore } from '../image/small-images.test.support.ts'
import { labels } from '../kubefile/draft.ts'
import { loadOld, testdata } from './old-images.test.support.ts'

// Images that sealer v0.9.0, v0.9.3, v0.10.0 and v0.11.0 have made, held against what those programs say of them.

const test = suite('genuine old images')

/** What `sealer inspect` of the original prints, as far as it matters. */
interface Inspected {
  readonly imageExtension: OldExtension
  readonly manifestv1: { readonly annotations: Readonly<Record<string, string>> }
  readonly ociv1: { readonly config: { readonly Labels?: Readonly<Record<string, string>> } }
  readonly containerImageList?: readonly { readonly image: string; readonly appName?: string }[]
}

interface OldExtension {
  readonly type: string
  readonly applications?: readonly OldApp[]
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string | readonly string[]>>
  readonly launch: {
    readonly app_names?: readonly string[]
    readonly cmds?: readonly string[]
    readonly appConfigs?: readonly { readonly name: string; readonly launch: { readonly cmds: readonly string[] } }[]
  }
}

interface OldApp {
  readonly name: string
  readonly type?: string
  readonly files?: readonly string[]
  readonly cmds?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const inspected = async (name: string): Promise<Inspected> =>
  JSON.parse(await readFile(join(testdata, name, 'inspect.json'), 'utf8'))

/** An app of the original in our words. */
function asOurs({ name, type, files = [], cmds, env }: OldApp, { launch, labels: own = {} }: OldExtension): AppConfig {
  const all = cmds ?? launch.appConfigs?.find((app) => app.name === name)?.launch.cmds
  const cni = own['cluster.alpha.sealer.io/kube-cni'] ?? []
  return {
    name,
    type: type === 'helm' || type === 'kube' || type === 'shell' ? type : 'other',
    files: type === 'helm' ? ['.'] : files.map((file) => file.replace(/^\//, '')),
    ...(all !== undefined && { cmds: all }),
    ...(env && { env }),
    ...(cni.includes(name) && { kind: 'cni' as const }),
  }
}

const whole = ['clusterimage', 'appimage', 'inherited', 'inherited-bare', 'inherited-lite', 'cmds', 'cmd', 'collision']
const names = [...whole, 'inherited-collision', 'lite', 'empty', 'flags', 'old-v0.10.0', 'old-v0.9.3']
/** In these, images of two registries were stored in one place. */
const collided = ['collision', 'inherited-collision']

for (const name of names) {
  test(`${name} has the apps, commands, env and labels that its maker tells`, async () => {
    await using store = await temporaryStore()
    const { config } = (await loadOld(store, join(testdata, name, 'image.oci.tar'))).platform
    const { imageExtension: told, ociv1 } = await inspected(name)
    const byName = (a: AppConfig, b: AppConfig) => (a.name < b.name ? -1 : 1)
    const apps = (told.applications ?? []).map((app) => asOurs(app, told)).toSorted(byName)
    assert.equal(config.apps, apps)
    const early = new Set(apps.filter(({ kind }) => kind !== undefined).map((app) => app.name))
    assert.equal(
      config.launch,
      (told.launch.app_names ?? []).filter((app) => !early.has(app)),
    )
    assert.equal(config.cmds, told.launch.cmds ?? [])
    assert.equal(config.env, told.env ?? {})
    assert.is(config.type, told.type)
    // `inspect` of the original folds the labels of networks and storages into lists, and takes the others from the config.
    const folded = Object.entries(told.labels ?? {}).filter(([key]) => !/kube-c[ns]i$/.test(key))
    const own = Object.entries(config.labels).filter(
      ([key]) => !key.startsWith(labels.cni) && !key.startsWith(labels.csi),
    )
    assert.equal(Object.fromEntries(own), Object.fromEntries(folded))
    for (const [key, value] of Object.entries(ociv1.config.Labels ?? {})) assert.is(config.labels[key], value)
  })

  test(`${name} carries the container images that its maker lists`, async () => {
    await using store = await temporaryStore()
    const { platform, warnings } = await loadOld(store, join(testdata, name, 'image.oci.tar'))
    const { containerImageList = [] } = await inspected(name)
    const listed = new Set(containerImageList.map(({ image }) => fullName(parseReference(image))))
    const carried = platform.images.map(({ reference }) => reference)
    if (collided.includes(name)) {
      const both = ['hub.example:5099/demo/hello:1.0', 'other.example:5099/demo/hello:1.0']
      for (const one of both) assert.match(warnings.join(), one)
      for (const one of both) listed.delete(one)
      listed.add('sea.hub:5000/demo/hello:1.0')
    } else assert.equal(warnings, [])
    assert.equal(carried, [...listed].sort())
    for (const { appName, image } of containerImageList) {
      const one = platform.images.find(({ reference }) => reference === fullName(parseReference(image)))
      if (appName !== undefined && one !== undefined) assert.ok(one.apps.includes(appName), `${image} ${appName}`)
    }
    await assertWhole(store.blobs, platform)
  })
}

/** Every blob of every container image is in the store; reading proves its digest. */
async function assertWhole(
  blobs: { read(digest: string): Promise<Buffer> },
  { images }: Pick<PlatformImage, 'images'>,
): Promise<void> {
  for (const { digest, blobs: parts } of images) {
    assert.ok(parts.some((part) => part.digest === digest))
    for (const part of parts) assert.is((await blobs.read(part.digest)).length, part.size)
  }
}

test('the manifest of the original stays as it is, and layers of container images alone are not for hosts', async () => {
  await using store = await temporaryStore()
  const archive = join(testdata, 'clusterimage', 'image.oci.tar')
  const { platform } = await loadOld(store, archive)
  const layout = JSON.parse(await readFile(join(testdata, 'clusterimage/image.oci.dir/index.json'), 'utf8'))
  assert.is(platform.rootfs, layout.manifests[0].digest)
  assert.is(platform.layers.length, 3)
  const image = await store.resolve('example.test/demo/clusterimage:v1')
  assert.is(image.origin, platform.rootfs)
  assert.is((await store.resolve(`example.test/demo/clusterimage@${platform.rootfs}`)).digest, image.digest)
})

test('the same image has the same digest on every machine, whichever way it came', async () => {
  await using first = await temporaryStore()
  await using second = await temporaryStore()
  const [archive] = await loadImages(first, join(testdata, 'clusterimage/image.oci.tar'))
  const [folder] = await loadImages(second, join(testdata, 'clusterimage/image.oci.dir'))
  assert.is(archive?.digest, folder?.digest)
})

test("an image of v0.9.0 has its files' paths and its images' registries restored", async () => {
  await using store = await temporaryStore()
  const { platform, warnings } = await loadOld(store, join(testdata, 'old-v0.9.0', 'image.oci.tar'))
  assert.equal(platform.config.apps, [
    { name: 'cache', type: 'helm', files: ['.'] },
    { name: 'ops', type: 'shell', files: ['a.sh', 'z.sh'] },
    { name: 'pair', type: 'kube', files: ['web.yaml', 'svc.yml'] },
    { name: 'web', type: 'kube', files: ['20/db.yaml', 'svc.yml', 'web.yaml'] },
  ])
  assert.equal(platform.config.launch, ['web', 'cache', 'ops'])
  assert.equal(
    platform.images.map(({ reference, apps }) => `${reference} ${apps}`),
    [
      'hub.example:5099/demo/appimg:1.0 web,pair',
      'hub.example:5099/demo/chartapp:2.0 cache',
      'hub.example:5099/demo/worker:1.0 web',
    ],
  )
  assert.equal(warnings, [])
})

test('an archive of several platforms gives one image with all of them, or those that are wanted', async () => {
  await using store = await temporaryStore()
  const archive = join(testdata, 'multiarch', 'image.oci.tar')
  const [image] = await loadImages(store, archive)
  assert.is(image?.reference, 'example.test/demo/multiarch:v1')
  assert.equal(image?.platforms, [amd64, arm64])
  const told = await inspected('multiarch')
  for (const platform of image?.platforms ?? []) {
    const { config, images } = await store.platform(await store.resolve('example.test/demo/multiarch:v1'), platform)
    assert.equal(config.platform, platform)
    assert.is(config.type, told.imageExtension.type)
    assert.equal(
      images.map(({ reference }) => reference),
      ['hub.example:5099/demo/hello:1.0'],
    )
    await assertWhole(store.blobs, { images })
  }
  await using other = await temporaryStore()
  const [arm] = await loadImages(other, archive, { platforms: [arm64] })
  assert.equal(arm?.platforms, [arm64])
  const riscv = { os: 'linux', architecture: 'riscv64' }
  assert.is(await codeOf(loadImages(other, archive, { platforms: [riscv] })), 'IMAGE_PLATFORM_MISSING')
})

test("docker's forms are refused with what to do", async () => {
  await using store = await temporaryStore()
  for (const form of ['image.docker.tar', 'image.docker.dir']) {
    const code = await codeOf(loadImages(store, join(testdata, 'clusterimage', form)))
    assert.is(code, 'OLD_IMAGE_WITHOUT_METADATA', form)
  }
  assert.equal(await store.list(), [])
})

test('an old image is saved and loaded again with its digest, by a store that never saw the original', async () => {
  await using folder = await temporaryFolder()
  await using store = await temporaryStore()
  await using other = await temporaryStore()
  const [image] = await loadImages(store, join(testdata, 'appimage', 'image.oci.tar'))
  const { saveImages } = await import('../image/save.ts')
  const file = join(folder.path, 'again.tar')
  await saveImages(store, ['example.test/demo/appimage:v1'], file)
  const [again] = await loadImages(other, file)
  assert.is(again?.digest, image?.digest)
})

test.run()
