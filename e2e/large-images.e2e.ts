// time limit: 3600 s
// Takes 15 GB of disk and some minutes: not at every landing. e2e/small-change.e2e.ts is the same with 100 MiB.
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { measuredSealer } from './support/measured.ts'
import { changeAFew } from './support/small-change.ts'

const test = suite('large images')
const GiB = 1024 ** 3
/** MiB. */
const mostMemory = 300

let world: string
test.before(async () => {
  world = await mkdtemp(join(tmpdir(), 'sealer-large-'))
})
test.after(() => rm(world, { recursive: true, force: true }))

test('5 MiB that change in an image of 2 GiB are what is written, pushed and saved', () => changeAFew(2048, 5))

test('a layer of 10 GiB goes through a build, and builds upon it, with little memory', async () => {
  const home = join(world, 'home')
  const context = join(world, 'context')
  execFileSync('mkdir', [context])
  const disk = await open(join(context, 'disk.img'), 'w')
  await disk.truncate(10 * GiB)
  await disk.close()
  await writeFile(join(context, 'Kubefile'), 'FROM scratch\nCOPY disk.img opt/\n')
  const built = await measuredSealer(home, 'build', '-t', 'disk:v1', context)
  await writeFile(join(context, 'Kubefile'), 'FROM disk:v1\nCOPY Kubefile opt/\n')
  const upon = await measuredSealer(home, 'build', '-t', 'disk:v2', context)
  const listed = await measuredSealer(home, 'inspect', 'disk:v2', '--tree')
  assert.match(listed.said, /disk\.img {2}11 GB/)
  for (const [what, { memory }] of Object.entries({ build: built, 'build upon it': upon, inspect: listed })) {
    console.log(`${what}: ${Math.round(memory)} MiB`)
    assert.ok(memory < mostMemory, `${what} took ${Math.round(memory)} MiB`)
  }
})

test('an archive that unpacks to far more than it is, is refused before it fills the disk', async () => {
  const bomb = join(world, 'bomb.tar.gz')
  execFileSync('sh', ['-c', `truncate -s 4G ${world}/zeros && tar -cf - -C ${world} zeros | gzip -1 > ${bomb}`])
  const { size } = await stat(bomb)
  const said = await measuredSealer(join(world, 'bombed'), 'load', bomb).catch((error: Error) => error.message)
  assert.match(String(said), /ARCHIVE_INVALID|bytes of it unpack to more than/, `${size} bytes`)
})

test.run()
