import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { batches } from './batches.ts'

const test = suite('batches')

async function all(source: Readable): Promise<{ sizes: number[]; bytes: Buffer }> {
  const got: Buffer[][] = []
  for await (const batch of batches(source)) got.push([...batch])
  return { sizes: got.map((batch) => batch.length), bytes: Buffer.concat(got.flat()) }
}

test('small pieces come together, all of them and in their order', async () => {
  const pieces = Array.from({ length: 50 }, (_, at) => Buffer.alloc(64 * 1024, at))
  const { sizes, bytes } = await all(Readable.from(pieces))
  assert.ok(bytes.equals(Buffer.concat(pieces)))
  assert.equal(sizes, [16, 16, 16, 2])
})

test('an empty stream has no batch', async () => {
  assert.equal((await all(Readable.from([]))).sizes, [])
})

test('tiny pieces are not gathered without end', async () => {
  const { sizes } = await all(Readable.from(Array.from({ length: 2500 }, () => Buffer.alloc(1))))
  assert.equal(sizes, [1000, 1000, 500])
})

test('a piece does not wait for others that are late', async () => {
  const slow = new Readable({ read() {} })
  slow.push('first')
  const all = batches(slow)
  assert.equal((await all.next()).value, [Buffer.from('first')])
  slow.push('second')
  slow.push(null)
  assert.equal((await all.next()).value, [Buffer.from('second')])
  assert.ok((await all.next()).done)
})

test('what came before a failure is given out before it', async () => {
  const breaking = Readable.from(
    (async function* () {
      yield Buffer.from('here')
      await setImmediate()
      throw new Error('cut')
    })(),
  )
  let came = ''
  const failure = await rejection<Error>(
    (async () => {
      for await (const batch of batches(breaking)) came += Buffer.concat(batch)
    })(),
  )
  assert.is(failure.message, 'cut')
  assert.is(came, 'here')
})

test('a source does not run away from who works slowly on its batches, and ends with them', async () => {
  let made = 0
  const endless = Readable.from(
    (function* () {
      for (;;) {
        made++
        yield Buffer.alloc(1024 * 1024)
      }
    })(),
  )
  for await (const _ of batches(endless)) {
    for (let turn = 0; turn < 100; turn++) await setImmediate()
    break
  }
  assert.ok(made < 30, `${made} pieces`)
  assert.ok(endless.destroyed)
})

test.run()
