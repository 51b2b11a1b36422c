// time limit: 180 s
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import { loadImages } from '../image/load.ts'
import { mediaTypes } from '../image/oci.ts'
import { pullImage } from '../image/pull.ts'
import { RegistryClient } from '../image/registry-client.ts'
import { type RegistryDouble, registryDouble } from '../image/registry-double.test.support.ts'
import { amd64, arm64, codeOf, temporaryFolder, temporaryStore } from '../image/small-images.test.support.ts'
import type { LocalStore } from '../image/store.ts'
import { appCommands } from '../launch/app-commands.ts'
import { workplace } from '../lifecycles/build.test.support.ts'
import { createSecrets } from '../secrets.ts'
import { fakeHost } from '../testing/fake-host.ts'
import { rejection } from '../testing/rejection.ts'
import {
  blobPath,
  loadOld,
  type SmallOldImage,
  storedImages,
  tagPath,
  testdata,
  writeOldArchive,
} from './old-images.test.support.ts'

const test = suite('old images')

/** A small image, loaded. */
async function loaded(image: SmallOldImage) {
  await using folder = await temporaryFolder()
  await using store = await temporaryStore()
  return await loadOld(store, await writeOldArchive(folder.path, image))
}

/** What a small image is refused with. The store has no image then. */
async function refusal(image: SmallOldImage): Promise<SealerError> {
  await using folder = await temporaryFolder()
  await using store = await temporaryStore()
  const error = await rejection<SealerError>(loadOld(store, await writeOldArchive(folder.path, image)))
  assert.equal(await store.list(), [])
  return error
}

test('launchfiles of 0.9.0 are applied', async () => {
  const { platform } = await loaded({
    extension: {
      applications: [{ name: 'web', type: 'kube', launchfiles: ['w.yaml'] }],
      launch: { app_names: ['web'] },
    },
    layers: [{ 'application/apps/web/w.yaml': 'kind: Service' }],
  })
  const [web] = platform.config.apps
  assert.equal(platform.config.launch, ['web'])
  assert.equal(web && commandOf(web), 'kubectl apply … -f application/apps/web/w.yaml')
})

test('a folder among launchfiles of 0.9.0 stands for the files in it', async () => {
  const { platform } = await loaded({
    extension: { applications: [{ name: 'web', type: 'kube', launchfiles: ['x/deploy', 'y/late.yaml'] }] },
    layers: [
      { 'application/apps/web/deploy/b.yml': '', 'application/apps/web/deploy/a.yaml': '' },
      { 'application/apps/web/late.yaml': '', 'application/apps/web/notes.md': '' },
    ],
  })
  assert.equal(platform.config.apps[0]?.files, ['deploy/a.yaml', 'deploy/b.yml', 'late.yaml'])
})

test('APPCMDS of 0.9.1 to 0.10 are the commands of their app', async () => {
  const { platform } = await loaded({
    extension: {
      applications: [{ name: 't' }],
      launch: { app_names: ['t'], appConfigs: [{ name: 't', launch: { cmds: ['bash', 'i.sh'] } }] },
    },
  })
  const [t] = platform.config.apps
  assert.equal(t && commandOf(t), 'sh -c bash i.sh in application/apps/t')
})

test('where there are commands, the apps are there to be asked for', async () => {
  const { platform } = await loaded({
    extension: {
      applications: [{ name: 'web', type: 'kube', files: ['w.yaml'] }],
      launch: { cmds: ['echo one'], app_names: ['web'] },
    },
    layers: [{ 'application/apps/web/w.yaml': 'kind: Service' }],
  })
  assert.equal(platform.config.cmds, ['echo one'])
  assert.equal(platform.config.launch, [])
  assert.equal(
    platform.config.apps.map(({ name }) => name),
    ['web'],
  )
})

/** How an app is launched, in short. */
function commandOf(app: Parameters<typeof appCommands>[0]): string {
  const place = { launchpad: { host: fakeHost('m1', ['master']), env: {} }, rootfs: '/r' }
  const [command] = appCommands(app, place, {})
  const argv = command?.argv.filter((word) => !word.startsWith('--')).join(' ') ?? ''
  const short = argv.replace('kubectl apply', 'kubectl apply …')
  return command?.cwd === '/r' ? short : `${short} in ${command?.cwd?.slice('/r/'.length)}`
}

test('a container image gets its registry back from the list, the imageList, or a manifest', async () => {
  const stored = await storedImages('pause:3.9', 'library/nginx:1.25', 'x/web:1', 'x/chart:2', 'lost:1')
  const { platform, warnings } = await loaded({
    extension: { applications: [{ name: 'web', type: 'kube', files: ['w.yaml'] }] },
    images: [{ image: 'registry.k8s.io/pause:3.9', platform: null }, { image: 'quay.io/not/here' }, { image: 'a:1:2' }],
    layers: [
      {
        'manifests/imageList': '# images\n"nginx:1.25"\n',
        'application/apps/web/w.yaml': 'spec:\n  image: "quay.io/x/web:1" # here\n',
        'charts/c/values.yaml': 'repository: quay.io/x/chart\ntag: "2"\n',
      },
      stored.files,
    ],
  })
  assert.equal(
    platform.images.map(({ reference, reasons, apps }) => `${reference} ${reasons} ${apps}`.slice(0, 90)),
    [
      'docker.io/library/nginx:1.25 manifests/imageList:2 ',
      'quay.io/x/chart:2 charts/c/values.yaml:1 ',
      'quay.io/x/web:1 application/apps/web/w.yaml:2 web',
      'registry.k8s.io/pause:3.9 its list of container images ',
      'sea.hub:5000/lost:1 lost:1 is stored without the name of its registry, and nothing in the ',
    ],
  )
  assert.match(warnings.join('\n'), 'lost:1 is stored without the name of its registry')
  assert.match(warnings.join('\n'), 'it lists quay.io/not/here:latest, but does not carry it')
  assert.is(warnings.length, 2)
})

test('one image for two registries is told by name and stands for neither', async () => {
  const stored = await storedImages('x/a:1')
  const { platform, warnings } = await loaded({
    images: [{ image: 'quay.io/x/a:1' }, { image: 'docker.io/x/a:1' }],
    layers: [stored.files],
  })
  assert.equal(
    platform.images.map(({ reference }) => reference),
    ['sea.hub:5000/x/a:1'],
  )
  assert.match(warnings.join(), 'quay.io/x/a:1 and docker.io/x/a:1 were stored in one place')
})

test('a blob that is missing or altered is refused with the image and the digest', async () => {
  const { files, parts } = await storedImages('pause:3.9')
  const images = [{ image: 'registry.k8s.io/pause:3.9' }]
  const digests = Object.values(parts['pause:3.9'] ?? {})
  assert.is(digests.length, 3)
  for (const digest of digests) {
    const { [blobPath(digest)]: blob = '', ...others } = files
    const missing = await refusal({ images, layers: [others] })
    assert.is(missing.code, 'OLD_IMAGE_DAMAGED')
    assert.match(missing.message, `registry.k8s.io/pause:3.9, but its blob ${digest} is not in the image`)
    const altered = await refusal({ images, layers: [{ ...others, [blobPath(digest)]: `${blob} ` }] })
    assert.is(altered.code, 'OLD_IMAGE_DAMAGED')
    assert.match(altered.message, `registry.k8s.io/pause:3.9, but its blob ${digest} has other bytes`)
  }
})

test('an altered blob that a later layer has whole, or that no image needs, does no harm', async () => {
  const { files, parts } = await storedImages('pause:3.9')
  const path = blobPath(parts['pause:3.9']?.layer ?? '')
  const stray = blobPath(`sha256:${'5'.repeat(64)}`)
  const { platform } = await loaded({ layers: [{ [path]: 'torn', [stray]: 'torn' }, files] })
  assert.is(platform.images.length, 1)
})

test('later layers point tags elsewhere and take files away', async () => {
  const first = await storedImages('a:1', 'b:1')
  const second = await storedImages('c:1')
  const moved = second.parts['c:1']?.manifest ?? ''
  const { platform } = await loaded({
    layers: [
      { ...first.files, 'application/apps/x/gone.yaml': '', 'application/apps/x/stays.yaml': '' },
      {
        ...second.files,
        [tagPath('a:1')]: moved,
        'registry/docker/registry/v2/repositories/.wh.b': '',
        'application/apps/x/.wh.gone.yaml': '',
      },
    ],
    extension: { applications: [{ name: 'x', type: 'kube', launchfiles: ['x'] }] },
  })
  assert.equal(
    platform.images.map(({ reference, digest }) => [reference, digest]),
    [
      ['sea.hub:5000/a:1', moved],
      ['sea.hub:5000/c:1', moved],
    ],
  )
  assert.equal(platform.config.apps[0]?.files, ['stays.yaml'])
})

test('a layer that hides all below it keeps what it brings itself', async () => {
  const first = await storedImages('a:1')
  const second = await storedImages('b:1')
  const { platform } = await loaded({ layers: [first.files, { ...second.files, 'registry/.wh..wh..opq': '' }] })
  assert.equal(
    platform.images.map(({ reference }) => reference),
    ['sea.hub:5000/b:1'],
  )
})

for (const [what, image, code] of [
  ['a path that leads out', { layers: [{ '../etc/passwd': 'x' }] }, 'ARCHIVE_INVALID'],
  ['an absolute path', { layers: [{ '/etc/passwd': 'x' }] }, 'ARCHIVE_INVALID'],
  ['a tag that is no digest', { layers: [{ [tagPath('a:1')]: '../../../etc/passwd' }] }, 'IMAGE_INVALID'],
  ['a tag as large as a film', { layers: [{ [tagPath('a:1')]: Buffer.alloc(100_000) }] }, 'ARCHIVE_INVALID'],
  ['a repository that is no name', { layers: [(await storedImages('A B:1')).files] }, 'IMAGE_INVALID'],
  ['an extension that is no JSON', { extension: '{' }, 'IMAGE_INVALID'],
  ['an extension of another form', { extension: { applications: 'many' } }, 'IMAGE_INVALID'],
  ['an app that leads out', { extension: { applications: [{ name: '../../etc' }] } }, 'IMAGE_INVALID'],
  [
    'a file of an app that leads out',
    { extension: { applications: [{ name: 'a', type: 'kube', files: ['../../../etc/x'] }] } },
    'IMAGE_INVALID',
  ],
] as const) {
  test(`${what} is refused`, async () => {
    assert.is((await refusal(image)).code, code)
  })
}

test('links of the rootfs may lead anywhere, also out of it: nothing follows them', async () => {
  const archive = pack()
  archive.entry({ name: 'application/apps/a/', type: 'directory' })
  archive.entry({ name: 'application/apps/a/w.yaml', type: 'symlink', linkname: '../../../../../../etc/passwd' })
  archive.entry({ name: 'manifests/imageList', type: 'link', linkname: '/etc/passwd' })
  archive.entry({ name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 })
  archive.finalize()
  const { platform, warnings } = await loaded({
    extension: { applications: [{ name: 'a', type: 'kube', launchfiles: ['w.yaml'] }] },
    layers: [await buffer(archive)],
  })
  assert.equal(platform.config.apps[0]?.files, [])
  assert.match(warnings.join(), 'nothing says how its app a is launched')
})

test('whatever bytes of an archive are other ones, it is loaded or refused', async () => {
  const genuine = await readFile(join(testdata, 'collision', 'image.oci.tar'))
  await using folder = await temporaryFolder()
  await using store = await temporaryStore()
  const change = fc.tuple(fc.nat(genuine.length - 1), fc.integer({ min: 0, max: 255 }))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const bytes = Buffer.from(genuine)
      for (const [at, value] of changes) bytes[at] = value
      const path = join(folder.path, 'changed.tar')
      await writeFile(path, bytes)
      await loadImages(store, path).catch((error) => assert.ok(SealerError.is(error), String(error)))
    }),
    { numRuns: 40 },
  )
})

test('FROM an old image inherits its apps and container images, and none of its layers of images', async () => {
  await using place = await workplace({
    Kubefile: 'FROM example.test/demo/appimage:v1\nAPP more local://more.yaml\nLAUNCH web mix more\n',
    'more.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: more}\n',
  })
  await loadImages(place.store, join(testdata, 'appimage', 'image.oci.tar'))
  const built = await place.inspect(await place.build({ pull: 'never' }))
  assert.equal(
    built.config.apps.map(({ name }) => name),
    ['cache', 'mix', 'ops', 'pair', 'web', 'more'],
  )
  assert.equal(built.config.launch, ['web', 'mix', 'more'])
  assert.equal(built.config.apps.find(({ name }) => name === 'mix')?.cmds, ['bash', 'install.sh', '--level 3'])
  assert.is(built.config.type, 'app-installer')
  assert.equal(
    built.images.map(({ reference }) => reference),
    [
      'hub.example:5099/demo/appimg:1.0',
      'hub.example:5099/demo/chartapp:2.0',
      'hub.example:5099/demo/listed:latest',
      'hub.example:5099/demo/worker:1.0',
    ],
  )
  assert.is(built.layers.length, 6) // five of the base, one of its own
})

/** Puts what an archive brought to a store into a registry, as the original has pushed it. */
async function servedOriginals(registry: RegistryDouble, store: LocalStore, reference: string): Promise<void> {
  const image = await store.resolve(reference)
  const manifests = []
  for (const platform of image.platforms) {
    const { rootfs } = await store.platform(image, platform)
    const bytes = await store.blobs.read(rootfs)
    const { config, layers } = JSON.parse(bytes.toString())
    for (const { digest } of [config, ...layers]) registry.blobs.set(digest, await store.blobs.read(digest))
    registry.manifests.set(`old@${rootfs}`, { mediaType: mediaTypes.manifest, bytes })
    if (image.platforms.length === 1) registry.manifests.set('old:v1', { mediaType: mediaTypes.manifest, bytes })
    manifests.push({ mediaType: mediaTypes.manifest, digest: rootfs, size: bytes.length, platform })
  }
  if (manifests.length === 1) return
  const list = { schemaVersion: 2, mediaType: mediaTypes.dockerList, manifests }
  registry.manifests.set('old:v1', { mediaType: mediaTypes.dockerList, bytes: Buffer.from(JSON.stringify(list)) })
}

const client = (home: string) => new RegistryClient({ home, clock: systemClock, secrets: createSecrets() })

for (const name of ['clusterimage', 'multiarch']) {
  test(`${name} is pulled, and is the image that the archive gives`, async () => {
    await using registry = await registryDouble()
    await using source = await temporaryStore()
    await using store = await temporaryStore()
    await using registries = client(store.path)
    const [saved] = await loadImages(source, join(testdata, name, 'image.oci.tar'))
    await servedOriginals(registry, source, `example.test/demo/${name}:v1`)
    await pullImage(registries, store, `${registry.host}/old:v1`)
    const pulled = await store.resolve(`${registry.host}/old:v1`)
    assert.is(pulled.digest, saved?.digest)
    assert.equal(pulled.platforms, name === 'multiarch' ? [amd64, arm64] : [amd64])

    const before = registry.asked.length
    await pullImage(registries, store, `${registry.host}/old:v1`)
    assert.ok(
      registry.asked.slice(before).every(({ line }) => !line.includes('/blobs/')),
      'nothing is fetched twice',
    )
  })
}

test('a lock file pins the digest that an old base has in its registry, and that is enough to build elsewhere', async () => {
  await using registry = await registryDouble()
  await using source = await temporaryStore()
  await loadImages(source, join(testdata, 'appimage', 'image.oci.tar'))
  await servedOriginals(registry, source, 'example.test/demo/appimage:v1')
  const { origin = '' } = await source.resolve('example.test/demo/appimage:v1')
  const kubefile = { Kubefile: `FROM ${registry.host}/old:v1\nENV A=1\n` }
  await using here = await workplace(kubefile)
  const file = join(here.context.folder, 'sealer.lock')
  const first = await here.build({ lock: { file } })
  assert.match(await readFile(file, 'utf8'), origin)

  registry.manifests.delete('old:v1')
  await using elsewhere = await workplace({ ...kubefile, 'sealer.lock': await readFile(file, 'utf8') })
  const lock = { file: join(elsewhere.context.folder, 'sealer.lock'), locked: true }
  assert.is((await elsewhere.build({ lock })).digest, first.digest)
})

test('one platform of an old image is pulled alone; one that it lacks is refused', async () => {
  await using registry = await registryDouble()
  await using source = await temporaryStore()
  await using store = await temporaryStore()
  await using registries = client(store.path)
  await loadImages(source, join(testdata, 'multiarch', 'image.oci.tar'))
  await servedOriginals(registry, source, 'example.test/demo/multiarch:v1')
  const name = `${registry.host}/old:v1`
  await pullImage(registries, store, name, { platforms: [arm64] })
  assert.equal((await store.resolve(name)).platforms, [arm64])
  const riscv = { os: 'linux', architecture: 'riscv64' }
  assert.is(await codeOf(pullImage(registries, store, name, { platforms: [riscv] })), 'IMAGE_PLATFORM_MISSING')
})

test('an image that is none of a cluster, or of sealer 0.8, is refused before its layers are fetched', async () => {
  await using registry = await registryDouble()
  await using store = await temporaryStore()
  await using registries = client(store.path)
  await using source = await temporaryStore()
  for (const [config, code] of [
    [{ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }, 'IMAGE_NOT_CLUSTER'],
    [{ kind: 'Image', apiVersion: 'sealer.cloud/v1', spec: { layers: [{ type: 'COPY' }] } }, 'OLD_IMAGE_TOO_OLD'],
  ] as const) {
    const { digest, size } = await source.blobs.put(Buffer.from(JSON.stringify(config)))
    registry.blobs.set(digest, await source.blobs.read(digest))
    const layer = { mediaType: mediaTypes.layerGzip, digest: `sha256:${'1'.repeat(64)}`, size: 1 }
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.imageConfig, digest, size },
      layers: [layer],
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    registry.manifests.set('other:v1', { mediaType: mediaTypes.dockerManifest, bytes })
    assert.is(await codeOf(pullImage(registries, store, `${registry.host}/other:v1`)), code)
    assert.ok(registry.asked.every(({ line }) => !line.includes(layer.digest)))
  }
})

test.run()
