import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { digestOf } from './blobs.ts'
import { CacheNotes } from './cache-notes.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { sealImage } from './cluster-image.ts'
import { diffImages } from './diff.ts'
import { historyOf } from './history.ts'
import { annotations, mediaTypes } from './oci.ts'
import { rootfsFiles } from './rootfs-files.ts'
import {
  amd64,
  arm64,
  codeOf,
  putContainerImage,
  putLayer,
  smallPlatform,
  temporaryFolder,
  temporaryStore,
} from './small-images.test.support.ts'
import type { LocalStore } from './store.ts'

const test = suite('diff')

test('a root file system is what its layers make together', async () => {
  await using store = await temporaryStore()
  await using notes = await temporaryFolder()
  const layers = [
    await layerOf(store, ['a/', 'a/one=1', 'a/two=2', 'b/', 'b/deep/', 'b/deep/x=1', 'c/', 'c/y=1', 'link->a/one']),
    await layerOf(store, ['a/.wh.one=', 'a/three=333', 'b/.wh..wh..opq=', 'b/new=1', 'c=now a file', 'hard=>a/three']),
  ]
  const files = await rootfsFiles(layers, store.blobs, new CacheNotes(notes.path))
  const shown = files.map(({ path, kind, target, size }) => `${path} ${target ?? (kind === 'file' ? size : kind)}`)
  assert.equal(shown, ['a folder', 'a/three 3', 'a/two 1', 'b folder', 'b/new 1', 'c 10', 'hard a/three', 'link a/one'])
  assert.equal(await rootfsFiles(layers, store.blobs, new CacheNotes(notes.path)), files)
})

test('a layer that leads out of its root is refused', async () => {
  await using store = await temporaryStore()
  await using notes = await temporaryFolder()
  for (const path of ['../x=1', '/etc/x=1', 'a/../../x=1']) {
    const layers = [await layerOf(store, [path])]
    assert.is(await codeOf(rootfsFiles(layers, store.blobs, new CacheNotes(notes.path))), 'ARCHIVE_INVALID', path)
  }
})

test('files, container images and settings that differ are told, and the bytes to move', async () => {
  await using store = await temporaryStore()
  await using notes = await temporaryFolder()
  const v1 = await smallPlatform(store.blobs)
  await sealImage(store, { tag: 'app:v1', platforms: [v1, await smallPlatform(store.blobs, arm64)] })
  const cache = await putContainerImage(store.blobs, 'docker.io/library/cache:v1', amd64)
  const other = await putContainerImage(store.blobs, 'docker.io/library/other:v1', amd64)
  const v2 = {
    ...v1,
    layers: [...v1.layers, await putLayer(store.blobs, 'bin/tool', 'another'), await putLayer(store.blobs, 'new', '1')],
    config: { ...v1.config, env: { GREETING: 'hi' }, launch: [] },
    images: [...v1.images.slice(1), { ...other, reference: v1.images[0]?.reference ?? '' }, cache],
  }
  await sealImage(store, { tag: 'app:v2', platforms: [v2] })

  const diff = await diffImages(store, new CacheNotes(notes.path), ['app:v1', 'app:v2'])
  assert.equal(diff.platformsRemoved, [arm64])
  const [platform] = diff.platforms
  assert.equal(
    platform?.files.map(({ path, before, after }) => [path, before?.size, after?.size]),
    [
      ['bin/tool', 5, 7],
      ['new', undefined, 1],
    ],
  )
  assert.equal(
    platform?.images.map(({ reference, before, after }) => [reference, before !== undefined, after !== undefined]),
    [
      ['docker.io/library/cache:v1', false, true],
      ['docker.io/library/web:v1', true, true],
    ],
  )
  assert.equal(platform?.settings, [
    { name: 'env.GREETING', before: 'hello', after: 'hi' },
    { name: 'launch', before: ['web'], after: [] },
  ])
  const whole = await store.resolve('app:v2')
  assert.ok(diff.move.bytes > 0 && diff.move.bytes < whole.size, JSON.stringify(diff.move))
  assert.equal((await diffImages(store, new CacheNotes(notes.path), ['app:v2', 'app:v2'])).move, { bytes: 0, blobs: 0 })
})

test('history begins with the newest layer', async () => {
  await using store = await temporaryStore()
  const parts = await smallPlatform(store.blobs)
  const layers = parts.layers.map(({ blob, diffId }, at) => {
    return { blob: { ...blob, annotations: { [annotations.createdBy]: `COPY ${at}` } }, diffId }
  })
  await sealImage(store, { tag: 'app:v1', platforms: [{ ...parts, layers }] })
  const history = historyOf(await store.platform(await store.resolve('app:v1'), amd64))
  assert.equal(
    history.map(({ createdBy, digest }) => [createdBy, digest]),
    layers.toReversed().map(({ blob }) => [blob.annotations[annotations.createdBy], blob.digest]),
  )
})

/** `a/` is a folder, `a=text` a file, `a->b` a symbolic link, `a=>b` a hard one. */
async function layerOf({ blobs }: LocalStore, entries: readonly string[]): Promise<RootfsLayer> {
  const tar = pack()
  for (const entry of entries) {
    const [, name = '', how, what = ''] = /^(.*?)(->|=>|=|$)(.*)$/.exec(entry) ?? []
    if (how === '->' || how === '=>') tar.entry({ name, type: how === '->' ? 'symlink' : 'link', linkname: what })
    else if (name.endsWith('/')) tar.entry({ name, type: 'directory' })
    else tar.entry({ name }, what)
  }
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  const bytes = Buffer.concat(pieces)
  return {
    blob: { mediaType: mediaTypes.layerGzip, ...(await blobs.put(gzipSync(bytes))) },
    diffId: digestOf(bytes),
  }
}

test.run()
