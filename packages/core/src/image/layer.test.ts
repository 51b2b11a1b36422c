import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { draftOf, type TemporaryContext, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { type LayerEntry, packLayer } from './layer.ts'
import { LayerCache } from './layer-cache.ts'
import { fileStamp } from './layer-digests.ts'
import { mediaTypes } from './oci.ts'
import { temporaryFolder, temporaryStore } from './small-images.test.support.ts'
import { eachTarEntry, openArchive } from './tar-file.ts'

const test = suite('layer')
const entriesOf = async (context: TemporaryContext, copy = 'COPY tree .'): Promise<readonly LayerEntry[]> =>
  (await draftOf(context, copy)).layers[0]?.entries ?? []

async function tree() {
  const context = await temporaryContext({ 'tree/etc/b': 'content of b\n', 'tree/etc/empty': '' })
  await context.write('tree/bin/tool', '#!/bin/sh\n', 0o755)
  await context.write(`tree/${'long/'.repeat(60)}name`, 'x')
  await context.link('tree/bin/link', 'tool')
  return context
}

test('tar(1) and gzip(1) unpack it as it was', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  await using target = await temporaryFolder()
  const { blob } = await packLayer({ entries: await entriesOf(context), mtime: 0 }, store.blobs)
  execFileSync('tar', ['-xzpf', store.blobs.path(blob.digest), '-C', target.path])
  const stat = lstatSync(join(target.path, 'bin/tool'))
  assert.equal([stat.mode & 0o7777, stat.mtimeMs], [0o755, 0])
  assert.is(readlinkSync(join(target.path, 'bin/link')), 'tool')
  assert.is(readFileSync(join(target.path, 'etc/b'), 'utf8'), 'content of b\n')
  assert.is(readFileSync(join(target.path, 'etc/empty'), 'utf8'), '')
  assert.is(readFileSync(join(target.path, `${'long/'.repeat(60)}name`), 'utf8'), 'x')
})

test('zstd(1) unpacks it, too, and its diff ID is the same', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  const recipe = { entries: await entriesOf(context), mtime: 0 }
  const gzip = await packLayer(recipe, store.blobs)
  const zstd = await packLayer({ ...recipe, compression: 'zstd' }, store.blobs)
  assert.equal([zstd.diffId, zstd.blob.mediaType], [gzip.diffId, mediaTypes.layerZstd])
  const tar = execFileSync('zstd', ['-dc', store.blobs.path(zstd.blob.digest)])
  assert.is(`sha256:${createHash('sha256').update(tar).digest('hex')}`, zstd.diffId)
  assert.equal(await buffer(await openArchive(store.blobs.path(zstd.blob.digest))), tar)
})

test('a zstd layer that is cut off is refused', async () => {
  await using store = await temporaryStore()
  await using target = await temporaryFolder()
  const { blob } = await packLayer({ entries: [], mtime: 0, compression: 'zstd' }, store.blobs)
  const file = join(target.path, 'cut')
  await writeFile(file, (await store.blobs.read(blob.digest)).subarray(0, -3))
  const error = await rejection<SealerError>(eachTarEntry(await openArchive(file), file, async () => {}))
  assert.is(error.code, 'ARCHIVE_INVALID')
})

test('what is gone, hidden, or another name of a file is said as other tools do', async () => {
  await using store = await temporaryStore()
  await using target = await temporaryFolder()
  const source = join(target.path, 'source')
  await writeFile(source, 'x')
  const base = { mode: 0o755, owner: { uid: 1, gid: 2 } }
  const file = { source, size: 1, digest: 'sha256:0', stamp: await fileStamp(source) }
  const long = `d/${'é'.repeat(80)}`
  const entries: LayerEntry[] = [
    { ...base, path: 'd', kind: 'folder', opaque: true, xattrs: { 'user.a': 'gP8=' } },
    { ...base, path: 'd/file', kind: 'file', ...file, xattrs: { 'user.b': 'AIDDqQo=', 'user.a': '' } },
    { ...base, path: 'd/name', kind: 'hardlink', target: 'd/file' },
    { ...base, path: 'gone/too', kind: 'whiteout' },
    { ...base, path: long, kind: 'file', ...file, xattrs: { 'user.c': 'eA==' } },
  ]
  const { blob } = await packLayer({ entries, mtime: 0 }, store.blobs)
  const list = execFileSync('tar', [
    '--xattrs',
    '--numeric-owner',
    '--quoting-style=literal',
    '-tvvzf',
    store.blobs.path(blob.digest),
  ])
  assert.equal(
    list
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ').replace(/ 1970-01-01 00:00/, '')),
    [
      'drwxr-xr-x* 1/2 0 d/',
      '  x: 2 user.a',
      '-rw-r--r-- 1/2 0 d/.wh..wh..opq',
      '-rwxr-xr-x* 1/2 1 d/file',
      '  x: 0 user.a',
      '  x: 5 user.b',
      'hrwxr-xr-x 1/2 0 d/name link to d/file',
      `-rwxr-xr-x* 1/2 1 ${long}`,
      '  x: 1 user.c',
      '-rw-r--r-- 1/2 0 gone/.wh.too',
    ].map((line) => line.replace(/^ +/, ' ')),
  )
})

test('its diff ID is the digest of the uncompressed tar', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  const { blob, diffId } = await packLayer({ entries: await entriesOf(context), mtime: 0 }, store.blobs)
  const tar = gunzipSync(await store.blobs.read(blob.digest))
  assert.is(diffId, `sha256:${createHash('sha256').update(tar).digest('hex')}`)
})

test('times, names of users and the order of files do not change it', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  const entries = await entriesOf(context)
  const before = await packLayer({ entries, mtime: 0 }, store.blobs)
  await utimes(join(context.folder, 'tree/etc/b'), 1, 1)
  assert.equal(await packLayer({ entries: [...(await entriesOf(context))].reverse(), mtime: 0 }, store.blobs), before)
  assert.not.equal(await packLayer({ entries: await entriesOf(context), mtime: 1 }, store.blobs), before)
})

test('the same layer has the same bytes on every machine', async () => {
  await using context = await temporaryContext()
  await context.write('tree/bin/tool', '#!/bin/sh\n', 0o755)
  await using store = await temporaryStore()
  const { diffId } = await packLayer(
    { entries: await entriesOf(context, 'COPY tree/bin/tool bin/'), mtime: 0 },
    store.blobs,
  )
  assert.is(diffId, 'sha256:48d2f1eb7a1ac3388f5e6d61432a870027a68eb790009800eb63249487479b3a')
})

test('a file that changes while it is packed is refused', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  const entries = await entriesOf(context)
  for (const content of ['other text !\n', 'longer text than before\n', '']) {
    await writeFile(join(context.folder, 'tree/etc/b'), content)
    const error = await rejection<SealerError>(packLayer({ entries, mtime: 0 }, store.blobs))
    assert.is(error.code, 'CONTEXT_FILE_CHANGED')
    assert.match(error.message, /tree\/etc\/b/)
  }
})

test('a store that fails is what is told', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  store.blobs.put = async (source) => {
    if (!Buffer.isBuffer(source)) source.destroy()
    throw new Error('the disk is full')
  }
  const error = await rejection(packLayer({ entries: await entriesOf(context), mtime: 0 }, store.blobs))
  assert.is(error.message, 'the disk is full')
})

test('an abort ends the packing', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  const error = await rejection(
    packLayer({ entries: await entriesOf(context), mtime: 0 }, store.blobs, AbortSignal.abort()),
  )
  assert.is(error.name, 'AbortError')
})

test('a layer is packed once for equal content, also for another cache object', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const pack = async () =>
    new LayerCache(folder.path, store.blobs).layer({ entries: await entriesOf(context), mtime: 0 })
  const first = await pack()
  assert.is(first.cached, false)
  assert.equal(await pack(), { ...first, cached: true })
  await context.write('tree/etc/b', 'changed\n')
  assert.is((await pack()).cached, false)
})

test('mode, target of a link and name belong to the content', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const cache = new LayerCache(folder.path, store.blobs)
  const entries = await entriesOf(context)
  await cache.layer({ entries, mtime: 0 })
  const changes: ((entry: LayerEntry) => LayerEntry)[] = [
    (entry) => ({ ...entry, mode: 0o700 }),
    (entry) => ({ ...entry, path: `x/${entry.path}` }),
    (entry) => ({ ...entry, owner: { uid: 1, gid: 0 } }),
    (entry) => (entry.kind === 'link' ? { ...entry, target: 'elsewhere' } : entry),
  ]
  for (const change of changes) {
    assert.is((await cache.layer({ entries: entries.map(change), mtime: 0 })).cached, false)
  }
})

test('a layer that has left the store is packed again', async () => {
  await using context = await tree()
  await using folder = await temporaryFolder()
  const recipe = { entries: await entriesOf(context), mtime: 0 }
  for (const _ of ['once', 'again']) {
    await using store = await temporaryStore()
    assert.is((await new LayerCache(folder.path, store.blobs).layer(recipe)).cached, false)
  }
})

test('two platforms that want the same layer pack it once', async () => {
  await using context = await tree()
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const cache = new LayerCache(folder.path, store.blobs)
  const recipe = { entries: await entriesOf(context), mtime: 0 }
  const [one, two] = await Promise.all([cache.layer(recipe), cache.layer(recipe)])
  assert.is(one, two)
})

test.run()
