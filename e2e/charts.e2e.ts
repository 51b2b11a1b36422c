// landing, time limit: 300 s
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSealer } from '../packages/core/src/create-sealer.ts'
import { temporaryFolder } from '../packages/core/src/image/small-images.test.support.ts'
import { baseContext } from './support/cluster-images.ts'
import { foundIn, readCase } from './support/found-images.ts'

/**
 * Charts and kustomizations in the style of those that people use, rendered by the helm and the kubectl of the base image. Each folder of
 * `testdata/find` has a tree, and in `expected.txt` exactly the images to be found; lines with a dash are told.
 */
const test = suite('charts and kustomizations')
const cases = join(import.meta.dirname, 'testdata/find')
const path = process.env.PATH

test.before(async () => {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  process.env.PATH = [join(await baseContext(), 'bin', architecture), path].join(delimiter)
})
test.after(() => {
  process.env.PATH = path ?? ''
})

const score = { right: 0, found: 0, wanted: 0 }

for (const name of (await readdir(cases)).sort()) {
  test(`${name}: exactly the images that run`, async () => {
    const wanted = await readCase(cases, name)
    const { images, told } = await foundIn(join(cases, name))
    const found = images.map(({ reference }) => reference).sort()
    score.found += found.length
    score.wanted += wanted.images.length
    score.right += found.filter((image) => wanted.images.includes(image)).length
    assert.equal(found, wanted.images, `told:\n${told.join('\n')}`)
    for (const piece of wanted.told)
      assert.ok(
        told.some((line) => line.includes(piece)),
        `"${piece}" is told, among:\n${told.join('\n')}`,
      )
    for (const { reasons } of images) assert.ok(reasons.length > 0)
  })
}

test('an overlay and a chart are whole, although what they build upon stands beside them', async () => {
  await using home = await temporaryFolder()
  await using sealer = createSealer({ home: home.path })
  const found = async (path: string) =>
    (await sealer.findImages({ path: join(cases, path) })).images.map(({ reference }) => reference).sort()
  assert.equal(await found('kustomize-overlays/tree/overlays/prod'), [
    'docker.io/base/web:2.1',
    'registry.example/mirror/proxy:1.25',
  ])
  assert.equal(await found('file-dependencies/tree/charts/api'), [
    'docker.io/mono/api:1',
    'docker.io/mono/queue:3',
    'docker.io/mono/worker:1',
  ])
})

test('recall and precision over all of them', () => {
  const [recall, precision] = [score.right / score.wanted, score.right / score.found]
  console.log(`  ${score.wanted} images, recall ${recall.toFixed(3)}, precision ${precision.toFixed(3)}`)
  assert.ok(recall >= 0.99 && precision >= 0.99)
})

test('no program of a kustomization was started', () => {
  assert.not.ok(existsSync('/tmp/sealer-evil-plugin-ran'))
})

test.run()
