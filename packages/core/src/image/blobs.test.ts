import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { digestOf } from './blobs.ts'
import { codeOf, temporaryStore } from './small-images.test.support.ts'

const test = suite('blobs')
const bytes = randomBytes(300_000)
const blob = { digest: digestOf(bytes), size: bytes.length }
const whole = (offset = 0) =>
  Readable.from([bytes.subarray(offset, 200_000), bytes.subarray(Math.max(offset, 200_000))])

test('what is put can be read, from any offset on', async () => {
  await using store = await temporaryStore()
  assert.equal(await store.blobs.put(whole()), blob)
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
  const tail: Buffer[] = []
  for await (const piece of store.blobs.open(blob.digest, 299_990)) tail.push(piece)
  assert.ok(Buffer.concat(tail).equals(bytes.subarray(299_990)))
})

test('bytes of another digest or size are refused and leave nothing', async () => {
  await using store = await temporaryStore()
  assert.is(await codeOf(store.blobs.put(Buffer.from('other'), { digest: blob.digest })), 'BLOB_CORRUPT')
  assert.is(await codeOf(store.blobs.put(whole(), { digest: blob.digest, size: 10 })), 'BLOB_CORRUPT')
  assert.equal(await readdir(join(store.path, 'partial')), [])
  assert.equal(await readdir(join(store.path, 'blobs/sha256')), [])
})

test('a digest cannot lead out of the store', async () => {
  await using store = await temporaryStore()
  assert.throws(() => store.blobs.path('sha256:../../../etc/passwd'), /no sha256 digest/)
})

test('a document that is too large is not read', async () => {
  await using store = await temporaryStore()
  await store.blobs.put(bytes)
  assert.is(await codeOf(store.blobs.read(blob.digest, 1000)), 'BLOB_CORRUPT')
})

test('an interrupted download goes on where it stopped', async () => {
  await using store = await temporaryStore()
  const breaking = async () => ({ stream: Readable.from(brokenAfter(bytes.subarray(0, 123_456))), offset: 0 })
  await rejection<SealerError>(store.blobs.receive(blob, breaking, { from: 'here' }))
  assert.not(await store.blobs.has(blob.digest))

  const offsets: number[] = []
  const going = async (offset: number) => {
    offsets.push(offset)
    return { stream: whole(offset), offset }
  }
  await store.blobs.receive(blob, going, { from: 'here' })
  assert.equal(offsets, [123_456])
  assert.ok((await readFile(store.blobs.path(blob.digest))).equals(bytes))
})

test('a damaged beginning is fetched again', async () => {
  await using store = await temporaryStore()
  await mkdir(join(store.path, 'partial'), { recursive: true })
  await writeFile(join(store.path, 'partial', blob.digest.slice(7)), Buffer.alloc(1000))
  const offsets: number[] = []
  const from = async (offset: number) => {
    offsets.push(offset)
    return { stream: whole(offset), offset }
  }
  await store.blobs.receive(blob, from, { from: 'here' })
  assert.equal(offsets, [1000, 0])
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
})

test('a sender that cannot go on in the middle sends all', async () => {
  await using store = await temporaryStore()
  await mkdir(join(store.path, 'partial'), { recursive: true })
  await writeFile(join(store.path, 'partial', blob.digest.slice(7)), bytes.subarray(0, 1000))
  await store.blobs.receive(blob, async () => ({ stream: whole(), offset: 0 }), { from: 'here' })
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
})

test('a wrong download is thrown away', async () => {
  await using store = await temporaryStore()
  const wrong = async () => ({ stream: Readable.from([Buffer.alloc(blob.size)]), offset: 0 })
  assert.is(await codeOf(store.blobs.receive(blob, wrong, { from: 'here' })), 'BLOB_CORRUPT')
  assert.equal(await readdir(join(store.path, 'partial')), [])
})

test('two that want the same blob fetch it once', async () => {
  await using store = await temporaryStore()
  let asked = 0
  const from = async (offset: number) => {
    asked++
    return { stream: whole(offset), offset }
  }
  await Promise.all([1, 2, 3].map(() => store.blobs.receive(blob, from, { from: 'here' })))
  assert.is(asked, 1)
})

async function* brokenAfter(piece: Buffer) {
  yield piece
  throw new Error('connection lost')
}

test.run()
