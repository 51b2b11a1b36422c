import { spawnSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { holdLock } from './lock.ts'
import { codeOf, temporaryFolder } from './small-images.test.support.ts'

const test = suite('lock')

test('one holds it at a time', async () => {
  await using folder = await temporaryFolder()
  let inside = 0
  let most = 0
  const work = async () => {
    await using _lock = await holdLock(join(folder.path, 'lock'))
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 5))
    inside--
  }
  await Promise.all(Array.from({ length: 8 }, work))
  assert.is(most, 1)
  assert.equal(await readdir(folder.path), [])
})

test('who waits too long is told who holds it', async () => {
  await using folder = await temporaryFolder()
  await using _held = await holdLock(join(folder.path, 'lock'))
  assert.is(await codeOf(holdLock(join(folder.path, 'lock'), { patience: 60 })), 'STORE_BUSY')
})

test('an abort ends the waiting', async () => {
  await using folder = await temporaryFolder()
  await using _held = await holdLock(join(folder.path, 'lock'))
  const signal = AbortSignal.timeout(40)
  assert.match(await codeOf(holdLock(join(folder.path, 'lock'), { signal })), /23|Timeout/)
})

test('the lock of a process that died is taken over, also when its pid lives on', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  for (const owner of [
    { pid: dead, started: '1' },
    { pid: process.pid, started: '1' },
  ]) {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'lock')
    await writeFile(path, JSON.stringify({ ...owner, host: hostname(), token: 'old' }))
    await Promise.all(
      [1, 2, 3].map(async () => {
        await using _lock = await holdLock(path, { patience: 5_000 })
      }),
    )
    assert.equal(await readdir(folder.path), [])
  }
})

test('the lock of another machine is left alone', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  await writeFile(path, JSON.stringify({ pid: 1, started: '1', host: 'elsewhere', token: 'x' }))
  assert.is(await codeOf(holdLock(path, { patience: 60 })), 'STORE_BUSY')
})

test.run()
