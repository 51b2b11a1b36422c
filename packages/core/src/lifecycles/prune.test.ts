import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { sealImage } from '../image/cluster-image.ts'
import { LayerCache } from '../image/layer-cache.ts'
import { holdLock } from '../image/lock.ts'
import { putLayer, smallPlatform, temporaryFolder } from '../image/small-images.test.support.ts'
import { openStore } from '../image/store.ts'
import type { PruneOptions } from '../sealer.ts'
import { announceBuild, buildsUnderWay, cacheOf } from './build-cache.ts'
import { prune } from './prune.ts'

const test = suite('prune')
const hour = 60 * 60_000
const day = 24 * hour

test('what no image and no build needs goes when it is old; an image stays whole', async () => {
  await using home = await homeWithAll(10 * day)
  const dry = await home.prune({ dryRun: true })
  assert.equal(kindsOf(dry.removed), ['blob', 'download', 'layer', 'transfer', 'tree'])
  assert.equal(kindsOf((await home.prune()).removed), kindsOf(dry.removed))
  assert.equal((await home.prune()).removed, [])
  assert.equal(await readdir(join(home.cache, 'trees')), [])
  assert.equal(await readdir(join(home.cache, 'layers')), [])
  assert.is((await home.store.platform(await home.store.resolve('app:v1'), home.platform)).images.length, 2)
})

test('what is young stays; --all takes results of builds, not what a transfer may be about to name', async () => {
  await using home = await homeWithAll(hour / 2)
  assert.equal((await home.prune()).removed, [])
  assert.equal(kindsOf((await home.prune({ olderThan: 0 })).removed), ['download', 'layer', 'tree'])
})

test('beyond a size, what was used least lately goes', async () => {
  await using home = await homeWithAll(day)
  for (const [name, age] of [
    ['old', 3 * hour],
    ['new', 2 * hour],
  ] as const) {
    await writeFile(join(home.cache, 'downloads', name), Buffer.alloc(100_000))
    await aged(join(home.cache, 'downloads', name), age)
  }
  const { removed, left } = await home.prune({ keep: 150_000 })
  assert.ok(removed.some(({ name }) => name === 'old'))
  assert.not(removed.some(({ name }) => name === 'new'))
  assert.ok(left >= 100_000 && left <= 150_000, `${left}`)
})

test('while a build is under way, no result of a build goes; one that was killed does not count', async () => {
  await using home = await homeWithAll(10 * day)
  {
    await using _building = await announceBuild(home.cache)
    const { removed, builds } = await home.prune({ olderThan: 0 })
    assert.is(builds, 1)
    assert.equal(kindsOf(removed), ['blob', 'transfer'])
  }
  const killed = { pid: 4_000_000, host: (await import('node:os')).hostname(), started: '1', token: 'x' }
  await writeFile(join(home.cache, 'builds', 'killed.lock'), JSON.stringify(killed))
  assert.is(await buildsUnderWay(home.cache), 0)
  assert.equal(kindsOf((await home.prune()).removed), ['download', 'layer', 'tree'])
})

test('a build waits for a clean-up that is under way', async () => {
  await using home = await homeWithAll(day)
  let begun = false
  const gate = await holdLock(join(home.cache, 'prune.lock'))
  const building = announceBuild(home.cache).then((lock) => {
    begun = true
    return lock
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.not(begun)
  await gate[Symbol.asyncDispose]()
  await (await building)[Symbol.asyncDispose]()
  assert.ok(begun)
})

test('a transfer that goes on is left alone', async () => {
  await using home = await homeWithAll(10 * day)
  await using _held = await holdLock(join(home.store.path, 'partial', `${'a'.repeat(64)}.lock`))
  assert.equal(kindsOf((await home.prune()).removed), ['blob', 'download', 'layer', 'tree'])
})

const kindsOf = (all: readonly { readonly kind: string }[]): string[] =>
  [...new Set(all.map(({ kind }) => kind))].sort()

const aged = (path: string, age: number) => {
  const then = new Date(Date.now() - age)
  return utimes(path, then, then)
}

/** A home with an image, and of everything that can go something that was used so many milliseconds ago. */
async function homeWithAll(age: number) {
  const folder = await temporaryFolder()
  const home = folder.path
  const store = openStore(join(home, 'store'))
  const parts = await smallPlatform(store.blobs)
  await sealImage(store, { tag: 'app:v1', platforms: [parts] })
  const cache = cacheOf(home)
  const { layer } = await new LayerCache(join(cache, 'layers'), store.blobs).layer({ entries: [], mtime: 0 })
  const stray = await putLayer(store.blobs, 'stray', 'x')
  const places = [layer, stray].map(({ blob }) => store.blobs.path(blob.digest))
  await mkdir(join(cache, 'trees', 'abc', 'files'), { recursive: true })
  await mkdir(join(cache, 'downloads'), { recursive: true })
  await writeFile(join(cache, 'trees', 'abc', 'files', 'x'), 'some bytes')
  await writeFile(join(cache, 'downloads', 'sha256-1'), 'x')
  await writeFile(join(store.path, 'partial', 'a'.repeat(64)), 'half')
  for (const path of [
    ...places,
    join(cache, 'trees', 'abc'),
    join(cache, 'downloads', 'sha256-1'),
    join(store.path, 'partial', 'a'.repeat(64)),
  ])
    await aged(path, age)
  return {
    store,
    cache,
    platform: parts.platform,
    prune: (options?: PruneOptions) => prune(home, store, systemClock, options),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test.run()
