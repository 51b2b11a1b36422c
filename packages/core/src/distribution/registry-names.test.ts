import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryStore } from '../image/small-images.test.support.ts'
import { eachTarEntry, openArchive } from '../image/tar-file.ts'
import { loadOld, testdata } from '../old-images/old-images.test.support.ts'
import { linksOf } from './registry-names.ts'

const test = suite('registry-names')

test("images have the links that a registry has made for them, also those in docker's form", async () => {
  await using store = await temporaryStore()
  const archive = join(testdata, 'clusterimage', 'image.oci.tar')
  const { platform } = await loadOld(store, archive)
  const made = new Set<string>()
  const manifest = JSON.parse((await store.blobs.read(platform.rootfs)).toString())
  const layer = store.blobs.path(manifest.layers.at(-1).digest)
  await eachTarEntry(await openArchive(layer), layer, async ({ path }) => {
    if (path.endsWith('/link')) made.add(path.slice('registry/'.length))
  })
  assert.ok(platform.images.some(({ mediaType }) => mediaType.includes('docker')))
  const withoutHost = linksOf(platform.images).map(({ path }) => path.replace(/(repositories)\/[^/]+/, '$1'))
  assert.equal([...new Set(withoutHost)].sort(), [...made].sort())
})

test.run()
