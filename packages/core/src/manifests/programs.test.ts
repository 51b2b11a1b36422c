import { access, chmod, constants, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { digestOf } from '../image/blobs.ts'
import type { PlatformImage, RootfsLayer } from '../image/cluster-config.ts'
import { clusterConfig, putLayer, temporaryFolder, temporaryStore } from '../image/small-images.test.support.ts'
import { draftOf, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { findProgram, machinePlatform } from './programs.ts'

const test = suite('programs')
const path = process.env.PATH
const elsewhere = { os: 'linux', architecture: 'riscv64' }
test.before.each(() => {
  process.env.PATH = '/nonexistent'
})
test.after(() => {
  process.env.PATH = path ?? ''
})

function baseWith(...layers: RootfsLayer[]): PlatformImage {
  const rootfs = digestOf(Buffer.from(layers.map(({ diffId }) => diffId).join()))
  return { config: clusterConfig(machinePlatform()), rootfs, layers, images: [] }
}

test('the one of PATH comes first', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'helm'), '#!/bin/sh\n')
  await chmod(join(folder.path, 'helm'), 0o755)
  process.env.PATH = `/nonexistent::${folder.path}`
  const places = { entries: [], platform: elsewhere, base: undefined, blobs: store.blobs, folder: folder.path }
  assert.is(await findProgram(['helm'], places), join(folder.path, 'helm'))
})

test('the one that the image copies, if this machine can run it', async () => {
  await using store = await temporaryStore()
  await using context = await temporaryContext({ helm: 'program' })
  const entries = (await draftOf(context, 'COPY helm bin/')).layers[0]?.entries ?? []
  const places = { entries, base: undefined, blobs: store.blobs, folder: context.folder }
  assert.is(await findProgram(['helm'], { ...places, platform: machinePlatform() }), join(context.folder, 'helm'))
  assert.is(await findProgram(['helm'], { ...places, platform: elsewhere }), undefined)
})

test('the uppermost one of the base, taken out once', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const lower = await putLayer(store.blobs, 'bin/helm', 'older')
  const upper = await putLayer(store.blobs, 'bin/helm', 'newer')
  const above = await putLayer(store.blobs, 'etc/helm', 'not this')
  const base = baseWith(lower, upper, above)
  const places = { entries: [], platform: elsewhere, base, blobs: store.blobs, folder: folder.path }
  const helm = (await findProgram(['helm'], places)) ?? ''
  assert.is(await readFile(helm, 'utf8'), 'newer')
  await access(helm, constants.X_OK)
  await writeFile(helm, 'touched')
  assert.is(await readFile((await findProgram(['helm'], places)) ?? '', 'utf8'), 'touched')
})

test('a base without it has none', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const base = baseWith(await putLayer(store.blobs, 'bin/tool', 'x'))
  const places = { entries: [], platform: elsewhere, base, blobs: store.blobs, folder: folder.path }
  assert.is(await findProgram(['helm'], places), undefined)
})

test.run()
