import { lstat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { digestOf } from './blobs.ts'
import { FileDigests } from './layer-digests.ts'
import { temporaryFolder } from './small-images.test.support.ts'

const test = suite('digests of files')

test('a file that has changed has a new digest, whatever its times say', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'file')
  for (const content of ['one', 'two']) {
    await writeFile(file, content)
    await utimes(file, 1, 1)
    const digests = await FileDigests.open(join(folder.path, 'cache'), folder.path)
    assert.is(await digests.of(file, await lstat(file, { bigint: true })), digestOf(Buffer.from(content)))
    await digests.save()
  }
})

test('a file that is settled is not read again', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, 'one')
  const stats = await lstat(file, { bigint: true })
  stats.ctimeNs -= 10n ** 10n // ten seconds ago
  const digest = await (async () => {
    const digests = await FileDigests.open(join(folder.path, 'cache'), folder.path)
    const first = await digests.of(file, stats)
    await digests.save()
    return first
  })()
  await writeFile(file, 'two')
  const later = await FileDigests.open(join(folder.path, 'cache'), folder.path)
  assert.is(await later.of(file, stats), digest)
})

test('a cache that cannot be read is an empty one', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'file'), 'one')
  const digests = await FileDigests.open('/dev/null/nothing', folder.path)
  const file = join(folder.path, 'file')
  assert.is(await digests.of(file, await lstat(file, { bigint: true })), digestOf(Buffer.from('one')))
})

test.run()
