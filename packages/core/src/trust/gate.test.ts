// time limit: 180 s
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { createSealer } from '../create-sealer.ts'
import { sealImage } from '../image/cluster-image.ts'
import { codeOf, smallPlatform, temporaryFolder } from '../image/small-images.test.support.ts'
import { storeOf } from '../images.ts'
import type { Sealer } from '../sealer.ts'
import { createSecrets } from '../secrets.ts'

const test = suite('trust')

/** Not encrypted: opening a key costs time by design. */
const [ours, others] = [pair(), pair()]
function pair() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
const secrets = () =>
  createSecrets({
    env: {
      KEY: ours.privateKey,
      PUB: ours.publicKey,
      OTHER: others.privateKey,
      OTHER_PUB: others.publicKey,
    },
  })
const withKey = { key: 'env:KEY' }

/** A machine with a sealer on it; what it is warned of is kept. */
interface Machine {
  readonly home: string
  readonly warnings: string[]
  sealer(options?: { readonly insecureUnsigned?: boolean; readonly contacted?: string[] }): Sealer
}

async function machine(folder: string, name: string): Promise<Machine> {
  const home = join(folder, name)
  await mkdir(home)
  const warnings: string[] = []
  const logger = { debug: () => {}, info: () => {}, warn: (text: string) => void warnings.push(text) }
  return {
    home,
    warnings,
    sealer: ({ insecureUnsigned = false, contacted = [] } = {}) => {
      const sealer = createSealer({ home, logger, secrets: secrets(), insecureUnsigned })
      sealer.hooks.choose.infra.tap('record', () => {
        contacted.push('an infrastructure was chosen')
        return undefined
      })
      return sealer
    },
  }
}

/** An image that was built on one machine and saved, signed by nobody or with a key, for another machine. */
async function archive(folder: string, name: string, sign?: { readonly key: string; readonly as?: string }) {
  const maker = await machine(folder, `maker-${name}`)
  const store = storeOf(maker.home, systemClock)
  const { digest } = await sealImage(store, {
    tag: 'team/app:v1',
    platforms: [await smallPlatform(store.blobs)],
    built: true,
  })
  const { images } = maker.sealer()
  if (sign !== undefined)
    await images.sign('team/app:v1', {
      ...withKey,
      key: sign.key,
      ...(sign.as === undefined ? {} : { identity: sign.as }),
    })
  const file = join(folder, `${name}.tar`)
  await images.save('team/app:v1', file)
  return { file, digest, maker }
}

const wish = {
  cluster: 'c',
  image: 'team/app:v1',
  infra: 'record',
  hosts: [{ address: '10.0.0.1', roles: ['master'] }],
}

test('as long as no key is trusted, an image from elsewhere is used with one warning; one that was built here without', async () => {
  await using folder = await temporaryFolder()
  const { file, maker } = await archive(folder.path, 'unsigned')
  await maker.sealer().images.inspect('team/app:v1')
  assert.equal(maker.warnings, [])

  const site = await machine(folder.path, 'site')
  const { images } = site.sealer()
  await images.load(file)
  await images.inspect('team/app:v1')
  assert.is(site.warnings.length, 1)
  assert.match(site.warnings[0] ?? '', 'docker.io/team/app:v1 was not made here and has no signature')
})

test('once a key is trusted, an image without its signature is refused: loaded, inspected or run, with no infrastructure asked', async () => {
  await using folder = await temporaryFolder()
  const { file } = await archive(folder.path, 'unsigned')
  const before = await machine(folder.path, 'site')
  await before.sealer().images.load(file)
  const contacted: string[] = []
  const sealer = before.sealer({ contacted })
  await sealer.trust.add('env:PUB')
  assert.is(await codeOf(sealer.images.inspect('team/app:v1')), 'SIGNATURE_MISSING')
  assert.is(await codeOf(sealer.apply(wish)), 'SIGNATURE_MISSING')
  assert.is(await codeOf(sealer.plan(wish)), 'SIGNATURE_MISSING')
  assert.is(await codeOf(sealer.check(wish)), 'SIGNATURE_MISSING')
  assert.is(await codeOf(sealer.findImages({ path: folder.path, from: 'team/app:v1' })), 'SIGNATURE_MISSING')
  assert.equal(contacted, [])

  const fresh = (await machine(folder.path, 'fresh')).sealer()
  await fresh.trust.add('env:PUB')
  assert.is(await codeOf(fresh.images.load(file)), 'SIGNATURE_MISSING')
  assert.equal(await fresh.images.list(), [])
})

test('--insecure-unsigned passes it, and says so', async () => {
  await using folder = await temporaryFolder()
  const { file } = await archive(folder.path, 'unsigned')
  const site = await machine(folder.path, 'site')
  const sealer = site.sealer({ insecureUnsigned: true })
  await sealer.trust.add('env:PUB')
  await sealer.images.load(file)
  await sealer.images.inspect('team/app:v1')
  assert.is(site.warnings.length, 1)
  assert.match(site.warnings[0] ?? '', 'It is used all the same.')
})

test('a signed image passes from archive to archive, offline; a second name of it under another rule does not', async () => {
  await using folder = await temporaryFolder()
  const { file, digest } = await archive(folder.path, 'signed', { key: 'env:KEY' })
  const site = await machine(folder.path, 'site')
  const sealer = site.sealer()
  await sealer.trust.add('env:PUB')
  const [image] = await sealer.images.load(file)
  assert.is(image?.digest, digest)
  assert.is(image?.provenance, 'loaded')
  assert.is((await sealer.images.verify('team/app:v1')).identity, 'docker.io/team/app')
  assert.is((await sealer.images.standing('team/app:v1')).kind, 'signed')

  const again = join(folder.path, 'again.tar')
  await sealer.images.save('team/app:v1', again)
  assert.equal(await readFile(again), await readFile(file))
  const next = (await machine(folder.path, 'next')).sealer()
  await next.trust.add('env:PUB')
  assert.is((await next.images.load(again))[0]?.digest, digest)

  await sealer.images.tag('team/app:v1', 'quay.io/x/y:v1')
  assert.is(await codeOf(site.sealer().images.inspect('quay.io/x/y:v1')), 'SIGNATURE_FOR_OTHER_NAME')
  assert.equal(site.warnings, [])
})

test('what is signed by another key, for another name, or by a key of yesterday is refused with an error of its own', async () => {
  await using folder = await temporaryFolder()
  const [stranger, renamed, signed] = [
    await archive(folder.path, 'stranger', { key: 'env:OTHER' }),
    await archive(folder.path, 'renamed', { key: 'env:KEY', as: 'docker.io/team/other' }),
    await archive(folder.path, 'signed', { key: 'env:KEY' }),
  ]
  const site = (await machine(folder.path, 'site')).sealer()
  await site.trust.add('env:PUB')
  assert.is(await codeOf(site.images.load(stranger.file)), 'SIGNATURE_UNTRUSTED')
  assert.is(await codeOf(site.images.load(renamed.file)), 'SIGNATURE_FOR_OTHER_NAME')
  await site.trust.add('env:PUB', { until: '2020-01-01' })
  assert.is(await codeOf(site.images.load(signed.file)), 'SIGNATURE_KEY_EXPIRED')
  assert.equal(await site.images.list(), [])
})

test('a key that is trusted for some names says nothing of others', async () => {
  await using folder = await temporaryFolder()
  const { file } = await archive(folder.path, 'unsigned')
  const site = await machine(folder.path, 'site')
  const sealer = site.sealer()
  await sealer.trust.add('env:PUB', { for: 'registry.example/**' })
  await sealer.images.load(file)
  assert.is(site.warnings.length, 1)
  await sealer.trust.add('env:PUB', { for: 'docker.io/team/*' })
  assert.is(await codeOf(site.sealer().images.inspect('team/app:v1')), 'SIGNATURE_MISSING')
  assert.is(await sealer.trust.remove((await sealer.trust.list())[0]?.id.slice(0, 12) ?? '', 'docker.io/team/*'), 1)
  await site.sealer().images.inspect('team/app:v1')
})

test('where an image comes from goes by its digest: neither a name nor an archive makes it one that was built here', async () => {
  await using folder = await temporaryFolder()
  const { maker } = await archive(folder.path, 'unsigned')
  const site = (await machine(folder.path, 'site')).sealer()
  const [image] = await site.images.load(join(maker.home, 'store')) // a whole store, in which the origin stands
  assert.is(image?.provenance, 'loaded')
  await site.images.tag('team/app:v1', 'mine:v1')
  assert.is((await site.images.list()).map(({ provenance }) => provenance).join(), 'loaded,loaded')
  await site.trust.add('env:PUB')
  assert.is(await codeOf(site.images.standing('mine:v1')), 'SIGNATURE_MISSING')
})

test('with its last name go the signatures of an image and the memory of its origin', async () => {
  await using folder = await temporaryFolder()
  const { digest, maker } = await archive(folder.path, 'signed', { key: 'env:KEY' })
  const store = storeOf(maker.home, systemClock)
  await store.tag('second:v1', await store.find('team/app:v1'))
  await store.remove('team/app:v1')
  assert.is((await store.attachments(digest)).length, 1)
  assert.is(await store.origins.of(digest), 'built')
  await store.remove('second:v1')
  assert.equal(await store.attachments(digest), [])
  assert.is(await store.origins.of(digest), undefined)
})

test('signed twice with one key, an image has one signature', async () => {
  await using folder = await temporaryFolder()
  const { digest, maker } = await archive(folder.path, 'signed', { key: 'env:KEY' })
  const store = storeOf(maker.home, systemClock)
  const before = await store.attachments(digest)
  await maker.sealer().images.sign('team/app:v1', withKey)
  assert.equal(await store.attachments(digest), before)
  await maker.sealer().images.sign('team/app:v1', { ...withKey, key: 'env:OTHER' })
  assert.is((await maker.sealer().images.verify('team/app:v1', { key: 'env:OTHER_PUB' })).digest, digest)
  assert.is((await maker.sealer().images.verify('team/app:v1', { key: 'env:PUB' })).digest, digest)
})

test('a file of trusted keys that cannot be read trusts nobody', async () => {
  await using folder = await temporaryFolder()
  const { file } = await archive(folder.path, 'unsigned')
  const site = await machine(folder.path, 'site')
  for (const text of ['{', '{"version":2,"keys":[]}', '{"version":1,"keys":[{"for":"**","key":"x"}]}']) {
    await writeFile(join(site.home, 'trust.json'), text)
    assert.is(await codeOf(site.sealer({ insecureUnsigned: true }).images.load(file)), 'TRUST_FILE_INVALID')
  }
})

test.run()
