import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sealImage } from '../image/cluster-image.ts'
import { registryDouble } from '../image/registry-double.test.support.ts'
import { smallPlatform } from '../image/small-images.test.support.ts'
import { eachTarEntry, openArchive, readBody } from '../image/tar-file.ts'
import { serve, workplace } from './build.test.support.ts'

const test = suite('the guide for people who know Dockerfiles')
const data = join(import.meta.dirname, 'testdata/guide')

test('its Kubefile is built as it says', async () => {
  await using registry = await registryDouble()
  for (const name of ['web', 'migrate']) await serve(registry, `shop/${name}`, '1.4')
  await using place = await workplace({
    'bin/shopctl': '#!/bin/sh\n',
    'secrets/key': 'k',
    'secrets/README.md': 'r',
    'a/b.log': 'l',
  })
  const { folder } = place.context
  await cp(data, folder, { recursive: true })
  await cp(join(folder, 'kubeignore'), join(folder, '.kubeignore'))
  const tar = pack()
  tar.entry({ name: 'bin/probe', mode: 0o755 }, 'probe')
  tar.finalize()
  await writeFile(join(folder, 'tools.tar.gz'), gzipSync(await buffer(tar)))
  for (const file of ['Kubefile', 'deploy/shop.yaml']) {
    const text = await readFile(join(folder, file), 'utf8')
    await writeFile(join(folder, file), text.replaceAll('registry.example', registry.host))
  }
  await sealImage(place.store, {
    tag: 'sealerio/kubernetes:v1.34.4',
    platforms: [await smallPlatform(place.store.blobs)],
  })

  const report = await place.build()
  const names = report.images.map((name) => name.replace(registry.host, 'registry.example'))
  for (const name of ['migrate', 'web']) assert.ok(names.includes(`registry.example/shop/${name}:1.4`), name)
  const { config, layers } = await place.inspect(report)
  assert.equal(config.launch, ['shop'])
  assert.equal(config.apps.find(({ name }) => name === 'shop')?.env, { Replicas: '3' })
  const files = new Map<string, string>()
  for (const { blob } of layers) {
    const take = async (entry: Parameters<typeof readBody>[0]) =>
      void files.set(entry.path, String(await readBody(entry, 'layer', 1024)))
    const layer = place.store.blobs.path(blob.digest)
    await eachTarEntry(await openArchive(layer), layer, take)
  }
  assert.is(files.get('etc/shop/shop.conf'), 'greeting = hello from the shop\n')
  assert.is(files.get('etc/shop/logrotate.conf'), 'dateext # $1 stays as it is: the name stands in quotes\n')
  assert.is(files.get('opt/tools/bin/probe'), 'probe')
  assert.ok(files.has('bin/shopctl'))
  assert.ok(files.has('application/apps/shop/shop.yaml'))
})

test('its ignore file leaves out what it says', async () => {
  await using place = await workplace({
    Kubefile: 'FROM scratch\nCOPY . all\n',
    'secrets/key': 'k',
    'secrets/README.md': 'r',
    'a/b.log': 'l',
    '.git/HEAD': 'h',
  })
  await cp(join(data, 'kubeignore'), join(place.context.folder, '.kubeignore'))
  const { layers } = await place.inspect(await place.build())
  const files: string[] = []
  for (const { blob } of layers) {
    const layer = place.store.blobs.path(blob.digest)
    await eachTarEntry(await openArchive(layer), layer, async ({ path }) => void files.push(path))
  }
  assert.equal(files.sort(), ['all/.kubeignore', 'all/Kubefile', 'all/secrets/README.md'])
})

test.run()
