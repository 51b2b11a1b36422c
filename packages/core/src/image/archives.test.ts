import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { readArchiveImages } from './archives.ts'
import { digestOf } from './blobs.ts'
import { annotations, mediaTypes } from './oci.ts'
import { amd64, arm64, codeOf, tarOf, temporaryFolder, temporaryStore } from './small-images.test.support.ts'

const test = suite('archives')

type Files = Record<string, string | Buffer>
const layout: Files = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' }

test('an OCI archive gives its images their full names and keeps their digests', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const image = await ociImage('amd64')
  const path = await archive(
    folder.path,
    withNames(image.files, [
      [image.manifest, 'app:v1'],
      [image.manifest, 'quay.io/x/app:v2'],
    ]),
  )
  const images = await readArchiveImages(path, 'oci-archive', store.blobs, amd64)
  assert.equal(
    images.map(({ reference }) => reference),
    ['docker.io/library/app:v1', 'quay.io/x/app:v2'],
  )
  assert.is(images[0]?.digest, image.manifest.digest)
  assert.is(images[0]?.blobs.length, 3)
  for (const blob of images[0]?.blobs ?? []) assert.is(await store.blobs.size(blob.digest), blob.size)
})

test('of an index one platform is taken, and the index as a blob', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const [x86, arm] = [await ociImage('amd64'), await ociImage('arm64')]
  const manifests = [
    { ...x86.manifest, platform: amd64 },
    { ...arm.manifest, platform: arm64 },
  ]
  const index = json(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests })
  const files = withNames({ ...x86.files, ...arm.files, [pathOf(index.digest)]: index.bytes }, [[index, 'app:v1']])
  const [image] = await readArchiveImages(await archive(folder.path, files), 'oci-archive', store.blobs, arm64)
  assert.is(image?.digest, index.digest)
  assert.equal(
    image?.blobs.slice(0, 2).map(({ digest }) => digest),
    [index.digest, arm.manifest.digest],
  )
})

test('an image for another platform only is refused by name', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files, manifest } = await ociImage('amd64')
  const path = await archive(folder.path, withNames(files, [[manifest, 'app:v1']]))
  const error = await rejection<SealerError>(readArchiveImages(path, 'oci-archive', store.blobs, arm64))
  assert.is(error.code, 'IMAGE_PLATFORM_MISSING')
  assert.match(error.message, 'docker.io/library/app:v1')
})

test('a layout folder is read like an archive, links in it are not followed', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files, manifest } = await ociImage('amd64')
  await write(folder.path, withNames(files, [[manifest, 'app:v1']]))
  assert.is((await readArchiveImages(folder.path, 'oci', store.blobs, amd64)).length, 1)

  await using hostile = await temporaryFolder()
  await using empty = await temporaryStore()
  const { [pathOf(manifest.digest)]: _manifest, ...others } = withNames(files, [[manifest, 'app:v1']])
  await write(hostile.path, others)
  await symlink(join(folder.path, pathOf(manifest.digest)), join(hostile.path, pathOf(manifest.digest)))
  assert.is(await codeOf(readArchiveImages(hostile.path, 'oci', empty.blobs, amd64)), 'IMAGE_INCOMPLETE')
})

test('a blob with other bytes than its name says is refused', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files, manifest } = await ociImage('amd64')
  const wrong = { ...files, [pathOf(manifest.digest)]: 'x'.repeat(manifest.size) }
  const path = await archive(folder.path, withNames(wrong, [[manifest, 'app:v1']]))
  assert.is(await codeOf(readArchiveImages(path, 'oci-archive', store.blobs, amd64)), 'BLOB_CORRUPT')
})

test('an image without a full name is refused', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files, manifest } = await ociImage('amd64')
  const path = await archive(folder.path, withNames(files, [[manifest, 'v1']]))
  assert.is(await codeOf(readArchiveImages(path, 'oci-archive', store.blobs, amd64)), 'ARCHIVE_INVALID')
})

for (const [what, files] of Object.entries({
  'a path that climbs out': { ...layout, '../../evil': 'x' },
  'an absolute path': { ...layout, '/etc/evil': 'x' },
  'no layout': { 'index.json': '{}' },
  'no index': layout,
  'an index of another form': {
    ...layout,
    'index.json': '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x"}]}',
  },
  'an index that is not JSON': { ...layout, 'index.json': '<html>' },
} satisfies Record<string, Files>)) {
  test(`an archive with ${what} is refused`, async () => {
    await using store = await temporaryStore()
    await using folder = await temporaryFolder()
    const path = await archive(folder.path, files)
    assert.is(await codeOf(readArchiveImages(path, 'oci-archive', store.blobs, amd64)), 'ARCHIVE_INVALID')
  })
}

test('a cut-off archive, and something that is none, are refused', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files, manifest } = await ociImage('amd64')
  const whole = await tarOf(withNames(files, [[manifest, 'app:v1']]))
  for (const bytes of [whole.subarray(0, 700), gzipSync(whole).subarray(0, 300), Buffer.from('x'.repeat(2000))]) {
    const path = join(folder.path, 'cut.tar')
    await writeFile(path, bytes)
    assert.is(await codeOf(readArchiveImages(path, 'oci-archive', store.blobs, amd64)), 'ARCHIVE_INVALID')
  }
})

test("docker's archive gets a manifest; its config stays", async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const saved = await dockerSave()
  const path = await archive(folder.path, saved.files)
  const [first, second] = await readArchiveImages(path, 'docker-archive', store.blobs, amd64)
  assert.equal([first?.reference, second?.reference], ['docker.io/library/app:v1', 'quay.io/x/app:v1'])
  assert.is(first?.digest, second?.digest)
  assert.ok(first?.blobs.some((blob) => blob.digest === digestOf(saved.config)))
})

test("docker's archive with layers that its config does not name is refused", async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const { files } = await dockerSave()
  const path = await archive(folder.path, { ...files, 'a/layer.tar': await tarOf({ other: 'content' }) })
  assert.is(await codeOf(readArchiveImages(path, 'docker-archive', store.blobs, amd64)), 'ARCHIVE_INVALID')
})

async function dockerSave(): Promise<{ files: Files; config: Buffer }> {
  const [plain, packed] = [await tarOf({ a: 'plain' }), await tarOf({ b: 'packed' })]
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf(plain), digestOf(packed)] },
    }),
  )
  const entry = { Config: 'c.json', RepoTags: ['app:v1', 'quay.io/x/app:v1'], Layers: ['a/layer.tar', 'b/layer.tar'] }
  const files = {
    'a/layer.tar': plain,
    'b/layer.tar': gzipSync(packed),
    'c.json': config,
    'manifest.json': JSON.stringify([entry]),
  }
  return { files, config }
}

interface Json {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly bytes: Buffer
}

function json(mediaType: string, value: object): Json {
  const bytes = Buffer.from(JSON.stringify(value))
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes }
}

async function ociImage(architecture: string): Promise<{ files: Files; manifest: Json }> {
  const tar = await tarOf({ file: architecture })
  const bytes = gzipSync(tar)
  const layer = { mediaType: mediaTypes.layerGzip, digest: digestOf(bytes), size: bytes.length, bytes }
  const config = json(mediaTypes.imageConfig, {
    os: 'linux',
    architecture,
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
  })
  const manifest = json(mediaTypes.manifest, { schemaVersion: 2, config: bare(config), layers: [bare(layer)] })
  return {
    files: Object.fromEntries([layer, config, manifest].map((blob) => [pathOf(blob.digest), blob.bytes])),
    manifest,
  }
}

function withNames(files: Files, names: readonly (readonly [Json, string])[]): Files {
  const manifests = names.map(([blob, name]) => ({ ...bare(blob), annotations: { [annotations.refName]: name } }))
  return { ...layout, ...files, 'index.json': JSON.stringify({ schemaVersion: 2, manifests }) }
}

const bare = ({ mediaType, digest, size }: Json) => ({ mediaType, digest, size })
const pathOf = (digest: string): string => `blobs/sha256/${digest.slice(7)}`

async function archive(folder: string, files: Files): Promise<string> {
  const path = join(folder, 'archive.tar')
  await writeFile(path, await tarOf(files))
  return path
}

async function write(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

test.run()
