// time limit: 1500 s
// Not part of the landing: cosign takes minutes to compile where it is not in the cache yet. Run it alone:
// node --import tsx --conditions=@sealer/source scripts/test.ts --e2e e2e/cosign.e2e.ts
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import { createSealer } from '../packages/core/src/create-sealer.ts'
import { sealImage } from '../packages/core/src/image/cluster-image.ts'
import { amd64, arm64, codeOf, smallPlatform } from '../packages/core/src/image/small-images.test.support.ts'
import { storeOf } from '../packages/core/src/images.ts'
import type { Sealer } from '../packages/core/src/sealer.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { newKeyPair } from '../packages/core/src/trust/keys.ts'
import { cosign } from './support/cosign.ts'
import { hasRegistry, type Registry, startRegistry } from './support/registry.ts'
import { succeeded, tool } from './support/run-tool.ts'

const test = suite('cosign')
const offline = ['--insecure-ignore-tlog', '--allow-http-registry']

let world: string
let registry: Registry
let sealer: Sealer
/** A signed name for each test: `REGISTRY/team/NAME`, and what stands there. */
let count = 0

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry.')
  world = await mkdtemp(join(tmpdir(), 'sealer-cosign-'))
  registry = await startRegistry()
  sealer = machine('maker')
  const ours = await newKeyPair('pa55word')
  await writeFile(join(world, 'ours.key'), ours.privateKey)
  await writeFile(join(world, 'ours.pub'), ours.publicKey)
  succeeded('cosign generate-key-pair', await cosign(world, ['generate-key-pair', '--output-key-prefix', 'theirs']))
})
test.after(async () => {
  await registry?.[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
})

for (const pair of ['ours', 'theirs']) {
  test(`what sealer signs with the pair that is ${pair}, cosign verifies in the registry`, async () => {
    const { name, at } = await image()
    await sealer.images.sign(name, { ...key(pair), annotations: { by: 'ci' } })
    await sealer.images.push(name)
    const told = succeeded(
      'cosign verify',
      await cosign(world, ['verify', '--key', `${pair}.pub`, '-a', 'by=ci', ...offline, at]),
    )
    assert.match(told, `"docker-reference":"${name.replace(/:v1$/, '')}"`)
    assert.is.not((await cosign(world, ['verify', '--key', `${other(pair)}.pub`, ...offline, at])).code, 0)
  })

  test(`what cosign signs with the pair that is ${pair}, sealer verifies; a policy takes it`, async () => {
    const { name, at, digest } = await image()
    await sealer.images.push(name)
    await cosignSigns(`${pair}.key`, at)
    const site = machine(`site-${count}`)
    await site.trust.add(join(world, `${pair}.pub`))
    assert.is((await site.images.pull(name)).digest, digest)
    assert.is((await site.images.standing(name)).kind, 'signed')
    assert.is(await codeOf(site.images.verify(name, { key: join(world, `${other(pair)}.pub`) })), 'SIGNATURE_UNTRUSTED')
  })
}

test('signatures of both stand side by side, whoever comes second', async () => {
  const { name, at } = await image()
  await sealer.images.push(name)
  await cosignSigns('theirs.key', at)
  await sealer.images.sign(name, key('ours'))
  await sealer.images.push(name)
  await cosignSigns('theirs.key', at)
  for (const pair of ['ours', 'theirs'])
    succeeded('cosign verify', await cosign(world, ['verify', '--key', `${pair}.pub`, ...offline, at]))
})

test('a signature that cosign puts among the referrers counts, too', async () => {
  const { name, at, digest } = await image()
  await sealer.images.push(name)
  const referrers = ['--registry-referrers-mode', 'oci-1-1']
  await cosignSigns('theirs.key', at, referrers, { COSIGN_EXPERIMENTAL: '1' })
  const site = machine(`site-${count}`)
  await site.images.pull(name)
  assert.is((await site.images.verify(name, { key: join(world, 'theirs.pub') })).digest, digest)
})

test('an archive that is unpacked is verified by cosign without a registry', async () => {
  const { name } = await image()
  await sealer.images.sign(name, key('ours'))
  const [archive, layout] = [join(world, 'app.tar'), join(world, 'layout')]
  await sealer.images.save(name, archive)
  await mkdir(layout)
  await tool('tar', '-xf', archive, '-C', layout)
  const verify = ['verify', '--local-image', '--insecure-ignore-tlog', '--key']
  succeeded('cosign verify', await cosign(world, [...verify, 'ours.pub', layout]))
  assert.is.not((await cosign(world, [...verify, 'theirs.pub', layout])).code, 0)
})

for (const [kind, pair] of Object.entries({
  'ECDSA P-384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  'RSA 3072': generateKeyPairSync('rsa', { modulusLength: 3072 }),
  Ed25519: generateKeyPairSync('ed25519'),
})) {
  const file = () => join(world, kind.replace(' ', '-'))

  test(`${kind}, as openssl writes it: cosign verifies what sealer signs`, async () => {
    await writeFile(`${file()}.pem`, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await writeFile(`${file()}.pub`, pair.publicKey.export({ type: 'spki', format: 'pem' }))
    const { name, at } = await image()
    await sealer.images.sign(name, { key: `${file()}.pem` })
    await sealer.images.push(name)
    succeeded('cosign verify', await cosign(world, ['verify', '--key', `${file()}.pub`, ...offline, at]))
  })

  if (kind === 'Ed25519') continue // cosign 2.6.5 signs Ed25519ph, which its own verify --key does not take

  test(`${kind}, imported by cosign: sealer verifies what cosign signs`, async () => {
    const { name, at, digest } = await image()
    await sealer.images.push(name)
    const imported = ['import-key-pair', '--key', `${file()}.pem`, '--output-key-prefix', `${file()}-imported`]
    succeeded('cosign import-key-pair', await cosign(world, imported))
    await cosignSigns(`${file()}-imported.key`, at)
    const site = machine(`site-${count}`)
    await site.images.pull(name)
    assert.is((await site.images.verify(name, { key: `${file()}.pub` })).digest, digest)
  })
}

test('Go modules in an SBOM are those that Go itself tells of a real program', async () => {
  const { cosignProgram } = await import('./support/cosign.ts')
  const { GoBuildInfoFinder } = await import('../packages/core/src/sbom/go-build-info.ts')
  const program = await cosignProgram()
  const finder = new GoBuildInfoFinder()
  finder.take(await readFile(program))
  const { goBinary } = await import('../scripts/go-toolchain.mjs')
  const told = (await tool(await goBinary(), 'version', '-m', program)).split('\n').flatMap((line) => {
    const [, kind, path, version] = line.split('\t')
    return kind === 'mod' || kind === 'dep' ? [`${path} ${version}`] : []
  })
  assert.equal(
    finder.result()?.modules.map(({ path, version }) => `${path} ${version}`),
    told,
  )
})

const key = (pair: string) => ({ key: join(world, `${pair}.key`), password: 'env:PW' })
const other = (pair: string): string => (pair === 'ours' ? 'theirs' : 'ours')
const machine = (name: string): Sealer =>
  createSealer({ home: join(world, name), secrets: createSecrets({ env: { PW: 'pa55word' } }) })

/** An image of its own in the maker's store, and how cosign names it in the registry. */
async function image(): Promise<{ readonly name: string; readonly at: string; readonly digest: string }> {
  count += 1
  const store = storeOf(join(world, 'maker'), systemClock)
  const platforms = [await smallPlatform(store.blobs, amd64), await smallPlatform(store.blobs, arm64)]
  const labelled = platforms.map((one) => ({ ...one, config: { ...one.config, labels: { count: String(count) } } }))
  const name = `${registry.host}/team/app${count}:v1`
  const { digest } = await sealImage(store, { tag: name, platforms: labelled, built: true })
  return { name, digest, at: name.replace(/:v1$/, `@${digest}`) }
}

async function cosignSigns(
  keyFile: string,
  at: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const args = ['sign', '--key', keyFile, '--tlog-upload=false', '--yes', '--allow-http-registry', ...flags, at]
  succeeded(`cosign ${args.join(' ')}`, await cosign(world, args, env))
}

test.run()
