// landing, time limit: 300 s
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tool } from './support/run-tool.ts'

const test = suite('prune')
const bin = join(import.meta.dirname, '../packages/cli/bin.js')

let world: string
test.before(async () => {
  world = await mkdtemp(join(tmpdir(), 'sealer-prune-'))
})
test.after(() => rm(world, { recursive: true, force: true }))

const sealer = (...args: readonly string[]): Promise<string> =>
  tool('env', `SEALER_HOME=${join(world, 'home')}`, process.execPath, bin, ...args)

test('builds that go on beside clean-ups end well, and their images are whole', async () => {
  let building = true
  const pruning = (async () => {
    let count = 0
    while (building) {
      await sealer('prune', '--all')
      count++
    }
    return count
  })()
  try {
    for (const round of [1, 2]) {
      const builds = ['a', 'b'].map(async (name) => {
        await sealer('build', '-t', `${name}:v${round}`, await context(`${name}${round}`))
        return sealer('inspect', `${name}:v${round}`, '--tree')
      })
      for (const tree of await Promise.all(builds)) assert.match(tree, /made {2}6 B/)
    }
  } finally {
    building = false
  }
  assert.ok((await pruning) >= 1)
})

test('what builds have left goes when it is old, and a build that comes again finds it gone', async () => {
  const folder = await context('again')
  await sealer('build', '-t', 'again:v1', folder)
  const trees = join(world, 'home/cache/trees')
  const old = new Date(Date.now() - 8 * 24 * 3600_000)
  for (const name of await readdir(trees)) await utimes(join(trees, name), old, old)
  const would = JSON.parse(await sealer('prune', '--dry-run', '--output', 'json'))
  assert.ok(would.removed.some(({ kind }: { kind: string }) => kind === 'tree'))
  const did = JSON.parse(await sealer('prune', '--output', 'json'))
  assert.equal([did.freed, did.removed.length], [would.freed, would.removed.length])
  assert.match(await sealer('build', '-t', 'again:v1', folder), /Built/)
})

/** A context whose command leaves a file. */
async function context(name: string): Promise<string> {
  const folder = join(world, name)
  await mkdir(folder)
  await writeFile(join(folder, 'Kubefile'), 'FROM scratch\nCOPY data opt/data\nRUN echo hello > made\nCMDS ["true"]\n')
  await writeFile(join(folder, 'data'), randomBytes(100_000))
  return folder
}

test.run()
