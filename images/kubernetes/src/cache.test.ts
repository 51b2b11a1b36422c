import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contentKey, once } from './cache.ts'

const test = suite('cache')
let folder = ''
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-'))
})
test.after.each(() => rm(folder, { recursive: true }))

const fill = (unfinished: string) => writeFile(join(unfinished, 'program'), 'x')

test('what is there is not made again', async () => {
  assert.equal(await once(join(folder, 'part'), fill), { made: true })
  assert.equal(await once(join(folder, 'part'), fill), { made: false })
})

test('a failure leaves nothing', async () => {
  const failing = once(join(folder, 'part'), async (unfinished) => {
    await fill(unfinished)
    throw new Error('disk full')
  })
  assert.is(await failing.catch((failure: Error) => failure.message), 'disk full')
  assert.equal(await readdir(folder), [])
})

test('what a killed build left is taken away, what another one is building is not', async () => {
  await mkdir(join(folder, '.dead.999999999'))
  await mkdir(join(folder, `.alive.${process.ppid}`))
  await once(join(folder, 'part'), fill)
  assert.equal((await readdir(folder)).sort(), [`.alive.${process.ppid}`, 'part'])
})

test('keys differ where content differs', () => {
  assert.is(contentKey({ a: 1 }), contentKey({ a: 1 }))
  assert.is.not(contentKey({ a: 1 }), contentKey({ a: 2 }))
})

test.run()
