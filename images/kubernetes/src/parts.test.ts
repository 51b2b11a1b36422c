import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { partsOf } from './parts.ts'
import { parsePlatforms } from './platform.ts'
import { releaseOf, releases } from './releases.ts'

const test = suite('parts')

test('a release is found by minor, version and tag', () => {
  for (const name of ['1.34', '1.34.4', 'v1.34.4']) assert.is(releaseOf(name).version, '1.34.4')
})

test('a release without a recipe is refused with those that have one', () => {
  assert.throws(() => releaseOf('1.20'), /1\.33\.13, 1\.34\.4, 1\.35\.4/)
})

test('platforms are read as sealer build writes them', () => {
  assert.equal(parsePlatforms('linux/amd64,linux/arm64,amd64'), ['amd64', 'arm64'])
  assert.throws(() => parsePlatforms('windows/amd64'), /Known: linux\/amd64/)
})

test('the version of every part is the one that its go.mod pins', async () => {
  for (const part of releases.flatMap(partsOf)) {
    const pins = await readFile(join(import.meta.dirname, '..', 'modules', part.folder, 'go.mod'), 'utf8')
    const expected = part.without === undefined ? `${part.module} v${part.version}` : `module ${part.module}`
    assert.match(pins, expected, part.folder)
  }
})

test.run()
