import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { sealImage } from '../image/cluster-image.ts'
import { registryDouble } from '../image/registry-double.test.support.ts'
import { amd64, smallPlatform } from '../image/small-images.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { serve, workplace } from './build.test.support.ts'

const test = suite('build-lock')
const Kubefile = 'FROM scratch\nCOPY . etc\nCOPY list manifests/imageList\n'

test('a tag that moves stays what it was, until it is renewed', async () => {
  await using registry = await registryDouble()
  const old = await serve(registry, 'team/web', 'v1', 'one')
  await serve(registry, 'team/db', 'v1', 'one db')
  const web = `${registry.host}/team/web:v1`
  const db = `${registry.host}/team/db:v1`
  await using place = await workplace({ Kubefile, list: `${web}\n${db}\n` })
  const file = join(place.context.folder, 'sealer.lock')
  const carried = async (lock: object = {}): Promise<Record<string, string>> => {
    const report = await place.build({ lock: { file, ...lock }, noCache: true })
    const { images } = await place.inspect(report)
    return { ...Object.fromEntries(images.map((image) => [image.reference, image.digest])), self: report.digest }
  }

  const first = await carried()
  const text = await readFile(file, 'utf8')
  assert.is(text, `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`)
  const newDb = await serve(registry, 'team/db', 'v1', 'two db')
  const newWeb = await serve(registry, 'team/web', 'v1', 'two')
  assert.equal(await carried(), first)
  assert.equal(await carried({ locked: true }), first)
  assert.is(await readFile(file, 'utf8'), text)

  const half = await carried({ update: [db] })
  assert.is(half[web], old)
  assert.is(half[db], newDb)
  assert.is((await carried({ update: true }))[web], newWeb)
  assert.is((await carried())[web], newWeb)
})

test('a build that keeps to the file refuses what it does not pin, and a file that is not there', async () => {
  await using registry = await registryDouble()
  await serve(registry, 'team/web', 'v1', 'one')
  await serve(registry, 'team/db', 'v1', 'two')
  await using place = await workplace({ Kubefile, list: `${registry.host}/team/web:v1\n` })
  const file = join(place.context.folder, 'sealer.lock')
  const failing = async () => rejection<SealerError>(place.build({ lock: { file, locked: true } }))
  assert.is((await failing()).code, 'LOCK_MISSING')
  await place.build({ lock: { file } })
  await place.context.write('list', `${registry.host}/team/web:v1\n${registry.host}/team/db:v1\n`)
  const error = await failing()
  assert.is(error.code, 'LOCK_LACKS')
  assert.match(error.message, /team\/db:v1/)
  assert.not.match(error.message, /team\/web/)

  await place.build({ lock: { file } })
  await place.build({ lock: { file, locked: true } })
  await place.context.write('list', `${registry.host}/team/db:v1\n`)
  await place.build({ lock: { file } })
  assert.equal(Object.keys(JSON.parse(await readFile(file, 'utf8')).images), [`${registry.host}/team/db:v1`])
})

test('a lock file that is none is refused, with its reason', async () => {
  await using place = await workplace()
  const file = join(place.context.folder, 'sealer.lock')
  for (const [text, reason] of [
    ['{"version":2}', /newer sealer/],
    ['<<<<<<< HEAD\n', /merge conflict/],
    ['{"version":1,"base":{},"images":{"x:1":{"linux/amd64":"sha256:12"}}}', /images\.x:1\.linux\/amd64 .*sha256/],
  ] as const) {
    await writeFile(file, text)
    const error = await rejection<SealerError>(place.build({ lock: { file } }))
    assert.is(error.code, 'LOCK_INVALID')
    assert.match(error.message, reason)
  }
})

test('the base is pinned too; one that is gone is told with the way out', async () => {
  await using registry = await registryDouble()
  const name = `${registry.host}/base:v1`
  await using place = await workplace({ Kubefile: `FROM ${name}\n` })
  const file = join(place.context.folder, 'sealer.lock')
  const base = async (content: string) => {
    const parts = await smallPlatform(place.store.blobs, amd64)
    const config = { ...parts.config, labels: { content } }
    return (await sealImage(place.store, { tag: name, platforms: [{ ...parts, config }] })).digest
  }
  const digest = await base('one')
  await place.build({ lock: { file } })
  assert.equal(Object.values(JSON.parse(await readFile(file, 'utf8')).base[name]), [digest])
  const next = await base('two')
  const error = await rejection<SealerError>(place.build({ lock: { file } }))
  assert.is(error.code, 'LOCK_BASE_GONE')
  assert.match(error.hint, `sealer build --update-image ${name}`)
  await place.build({ lock: { file, update: [name] } })
  assert.equal(Object.values(JSON.parse(await readFile(file, 'utf8')).base[name]), [next])
})

test.run()
