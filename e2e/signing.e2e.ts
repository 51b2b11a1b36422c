// landing, time limit: 600 s
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import { createSealer } from '../packages/core/src/create-sealer.ts'
import { sealImage } from '../packages/core/src/image/cluster-image.ts'
import { mediaTypes } from '../packages/core/src/image/oci.ts'
import { parseReference } from '../packages/core/src/image/reference.ts'
import { RegistryClient } from '../packages/core/src/image/registry-client.ts'
import { amd64, arm64, codeOf, smallPlatform } from '../packages/core/src/image/small-images.test.support.ts'
import { storeOf } from '../packages/core/src/images.ts'
import type { Logger } from '../packages/core/src/logger.ts'
import type { Sealer } from '../packages/core/src/sealer.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { newKeyPair } from '../packages/core/src/trust/keys.ts'
import { signatureTag } from '../packages/core/src/trust/signature-set.ts'
import { hasRegistry, type Registry, startRegistry, startRelay } from './support/registry.ts'
import { ended, succeeded } from './support/run-tool.ts'
import { Site } from './support/site.ts'

const test = suite('signing')
const keys = await newKeyPair('pa55word')
const secrets = createSecrets({ env: { KEY: keys.privateKey, PUB: keys.publicKey, PW: 'pa55word' } })

let world: string
let registry: Registry
let maker: Sealer
let count = 0

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry.')
  world = await mkdtemp(join(tmpdir(), 'sealer-signing-'))
  registry = await startRegistry()
  maker = createSealer({ home: join(world, 'maker'), secrets })
})
test.after(async () => {
  await registry?.[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
})

test('sign, push, pull into an empty store, verify: with two platforms, and again without the registry', async () => {
  const { name, digest } = await published('first')
  const site = await trusting()
  const pulled = await site.images.pull(name)
  assert.is(pulled.digest, digest)
  assert.is(pulled.provenance, 'pulled')
  assert.is((await site.images.verify(name)).digest, digest)
  assert.is((await site.images.inspect(name)).platforms.length, 2)

  const archive = join(world, 'first.tar')
  await site.images.save(name, archive)
  const offline = await trusting()
  assert.is((await offline.images.load(archive))[0]?.digest, digest)
  assert.is((await offline.images.verify(name, { key: 'env:PUB' })).identity, name.replace(/:v1$/, ''))
})

test('a pull by digest finds the signatures, too; a second signer adds to them on the registry', async () => {
  const { name, digest } = await published('second')
  const other = await newKeyPair('')
  const second = createSealer({
    home: join(world, 'second-signer'),
    secrets: createSecrets({ env: { KEY: other.privateKey, NONE: 'x' }, prompt: async () => '' }),
  })
  await second.images.pull(name)
  await second.images.sign(name, { key: 'env:KEY' })
  await second.images.push(name)
  await maker.images.push(name) // knows nothing of the second signature, and leaves it

  const site = await trusting()
  const byDigest = `${name.replace(/:v1$/, '')}@${digest}`
  await site.images.pull(byDigest)
  const store = storeOf(homeOf(site), systemClock)
  const [set] = await store.attachments(digest)
  assert.is(JSON.parse(await readFile(store.blobPath(set?.digest ?? ''), 'utf8')).layers.length, 2)
  assert.is((await site.images.verify(byDigest)).digest, digest)
})

test('an image that took the place of the signed one is refused before a blob of it is fetched', async () => {
  const { name } = await published('replaced')
  await using relay = await startRelay(registry.host)
  const evil = await sealed(maker, 'evil:v1', 'evil')
  await maker.images.push('evil:v1', name)
  const site = await trusting()
  const there = name.replace(registry.host, relay.host)
  await site.trust.add('env:PUB', { for: `${relay.host}/**`, identity: `${registry.host}/**` })
  assert.is(await codeOf(site.images.pull(there)), 'SIGNATURE_MISSING')
  assert.equal(await site.images.list(), [])
  const whole = (await maker.images.store.resolve(evil)).size
  assert.ok(relay.received() < whole, `${relay.received()} bytes came, the image has ${whole}`)
})

test('a signature that was put beside another image is told as that', async () => {
  const { digest } = await published('genuine')
  const victim = await sealed(maker, `${registry.host}/team/victim:v1`, 'victim')
  await maker.images.push(`${registry.host}/team/victim:v1`)
  await using client = new RegistryClient({ home: world, clock: systemClock, secrets })
  const from = parseReference(`${registry.host}/team/genuine:v1`)
  const to = parseReference(`${registry.host}/team/victim:v1`)
  const { blob, bytes } = await client.manifest(from, signatureTag(digest), {})
  const store = storeOf(join(world, 'maker'), systemClock)
  const { config, layers } = JSON.parse(bytes.toString())
  for (const part of [config, ...layers]) await client.sendBlob(to, part, store.blobs, undefined)
  await client.sendManifest(to, signatureTag(victim), blob, bytes)
  assert.is(await codeOf((await trusting()).images.pull(`${registry.host}/team/victim:v1`)), 'SIGNATURE_OF_OTHER_IMAGE')
})

test('what was changed in the storage of the registry is refused: the payload, the signature, a layer', async () => {
  const { name, digest } = await published('changed')
  await using client = new RegistryClient({ home: world, clock: systemClock, secrets })
  const repository = parseReference(name)
  const { bytes } = await client.manifest(repository, signatureTag(digest), {})
  const set = JSON.parse(bytes.toString())
  const payload = registry.blobFile(set.layers[0].digest)
  const genuine = await readFile(payload)
  await writeFile(payload, genuine.toString().replace(/"optional":null/, '"optional":NULL'))
  assert.is(await codeOf((await trusting()).images.pull(name)), 'SIGNATURE_MISSING') // its bytes do not have their digest
  await writeFile(payload, genuine)

  const note = 'dev.cosignproject.cosign/signature'
  const signature: string = set.layers[0].annotations[note]
  set.layers[0].annotations[note] =
    `${signature.slice(0, 20)}${signature[20] === 'A' ? 'B' : 'A'}${signature.slice(21)}`
  const forged = Buffer.from(JSON.stringify(set))
  const store = storeOf(join(world, 'forger'), systemClock)
  const blob = { mediaType: mediaTypes.manifest, ...(await store.blobs.put(forged)) }
  await client.sendManifest(repository, signatureTag(digest), blob, forged)
  assert.is(await codeOf((await trusting()).images.pull(name)), 'SIGNATURE_UNTRUSTED')

  const again = await published('layer')
  const [platform] = (await maker.images.inspect(again.name)).platforms
  const layer = registry.blobFile(platform?.layers[0]?.blob.digest ?? '')
  const whole = await readFile(layer)
  await writeFile(layer, Buffer.concat([whole.subarray(0, -1), Buffer.from([0xff])]))
  assert.is(await codeOf((await trusting()).images.pull(again.name)), 'BLOB_CORRUPT')
  await writeFile(layer, whole)
  assert.is((await (await trusting()).images.pull(again.name)).digest, again.digest)
})

test('an archive whose image was exchanged is refused, its signatures notwithstanding', async () => {
  const { name } = await published('archived')
  const evil = await sealed(maker, 'evil:v1', 'evil in an archive')
  const store = storeOf(join(world, 'maker'), systemClock)
  const layout = join(world, 'exchanged')
  await mkdir(layout)
  const signed = join(world, 'archived.tar')
  await maker.images.save([name, 'evil:v1'], signed)
  succeeded('tar', await ended(spawn('tar', ['-xf', signed, '-C', layout], { stdio: 'pipe' })))
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
  const root = await store.find(evil)
  const exchanged = index.manifests.flatMap((entry: { annotations: Record<string, string> }) => {
    const notes = entry.annotations
    if (notes['io.sealer.attached.to'] !== undefined)
      return [{ ...entry, annotations: { ...notes, 'io.sealer.attached.to': evil } }]
    return notes['org.opencontainers.image.ref.name'] === name ? [{ ...entry, digest: evil, size: root.size }] : []
  })
  await writeFile(join(layout, 'index.json'), JSON.stringify({ ...index, manifests: exchanged }))
  const site = await trusting()
  assert.is(await codeOf(site.images.load(layout)), 'SIGNATURE_OF_OTHER_IMAGE')
  assert.equal(await site.images.list(), [])
})

test('a delta carries a signature that was made since', async () => {
  const name = `${registry.host}/team/late:v1`
  await sealed(maker, name, 'late')
  const [before, delta] = [join(world, 'late.tar'), join(world, 'delta.tar')]
  await maker.images.save(name, before)
  const site = await trusting()
  const careless = createSealer({ home: homeOf(site), secrets, insecureUnsigned: true })
  await careless.images.load(before)
  assert.is(await codeOf(site.images.inspect(name)), 'SIGNATURE_MISSING')
  await maker.images.sign(name, { key: 'env:KEY', password: 'env:PW' })
  await maker.images.save(name, delta, { since: [name] })
  await site.images.load(delta)
  await site.images.inspect(name)
})

test('FROM asks about its base: an unsigned one stops the build, a signed one does not; what is built is trusted here', async () => {
  const context = join(world, 'context')
  await mkdir(context, { recursive: true })
  const unsigned = `${registry.host}/team/unsigned:v1`
  await sealed(maker, unsigned, 'unsigned')
  await maker.images.push(unsigned)
  const { name } = await published('base')
  const site = await trusting()
  const build = async (base: string, sealer = site) => {
    await writeFile(join(context, 'Kubefile'), `FROM ${base}\nLABEL built=here\n`)
    return await sealer.build({ context, tag: 'derived:v1' })
  }
  assert.is(await codeOf(build(unsigned)), 'SIGNATURE_MISSING')
  assert.equal(await site.images.list(), [])
  await build(name)
  assert.is((await site.images.standing('derived:v1')).kind, 'built')

  const warnings: string[] = []
  const logger: Logger = { debug: () => {}, info: () => {}, warn: (text) => void warnings.push(text) }
  await build(unsigned, createSealer({ home: homeOf(site), secrets, logger, insecureUnsigned: true }))
  assert.match(warnings.join('\n'), `${unsigned} (sha256:`)
})

test('the command refuses to run an unsigned image with exit code 1, and no host is contacted', async () => {
  const unsigned = `${registry.host}/team/runs:v1`
  await sealed(maker, unsigned, 'runs')
  const archive = join(world, 'runs.tar')
  await maker.images.save(unsigned, archive)
  await using site = await Site.open()
  await using host = await listeningHost()
  await writeFile(join(world, 'trusted.pub'), keys.publicKey)
  await site.sealer('load', archive)
  await site.sealer('trust', 'add', join(world, 'trusted.pub'))
  for (const command of [
    ['run', unsigned],
    ['run', archive, '--dry-run'],
    ['check', unsigned],
  ]) {
    const { code, stderr } = await site.try([...command, '--masters', '127.0.0.1', '--port', String(host.port)])
    assert.is(code, 1, stderr)
    assert.match(stderr, 'SIGNATURE_MISSING')
  }
  assert.is(host.connections(), 0)
  const passed = ['check', unsigned, '--insecure-unsigned', '--masters', '127.0.0.1', '--port', String(host.port)]
  assert.match((await site.try(passed)).stderr, 'It is used all the same.')
  assert.ok(host.connections() > 0)
})

test('a push under a name that nobody has signed is warned of; signed with --as, it is not', async () => {
  await sealed(maker, 'local/app:v1', 'renamed')
  await maker.images.sign('local/app:v1', { key: 'env:KEY', password: 'env:PW' })
  const name = `${registry.host}/team/renamed:v1`
  const [warning] = (await maker.images.push('local/app:v1', name)).warnings
  assert.match(warning ?? '', `is signed as docker.io/local/app`)
  const as = { identity: `${registry.host}/team/renamed` }
  await maker.images.sign('local/app:v1', { key: 'env:KEY', password: 'env:PW', ...as })
  assert.equal((await maker.images.push('local/app:v1', name)).warnings, [])
  assert.is((await (await trusting()).images.pull(name)).provenance, 'pulled')
})

test('an SBOM that a build attaches travels through the registry; a real Go program in it is told', async () => {
  const context = join(world, 'with-program')
  await mkdir(context, { recursive: true })
  await cp('/usr/bin/docker-registry', join(context, 'registry'))
  await writeFile(join(context, 'Kubefile'), 'FROM scratch\nCOPY registry bin/registry\n')
  const name = `${registry.host}/team/described:v1`
  await maker.build({ context, tag: name, sbom: true })
  await maker.images.sign(name, { key: 'env:KEY', password: 'env:PW' })
  await maker.images.push(name)
  const site = await trusting()
  const { digest } = await site.images.pull(name)
  const store = storeOf(homeOf(site), systemClock)
  const attached = (await store.attachments(digest)).find(({ type }) => type === 'application/vnd.cyclonedx+json')
  const { layers, subject } = JSON.parse((await store.blobs.read(attached?.digest ?? '')).toString())
  assert.is(subject.digest, digest)
  const { document } = await site.images.sbom(name)
  assert.is((await store.blobs.read(layers[0].digest)).toString(), document)
  assert.match(document, /"purl": "pkg:golang\/stdlib@1\.\d+/)
})

test('the commands of the guide do what it says', async () => {
  await using site = await Site.open()
  const folder = join(world, 'guide')
  await mkdir(join(folder, 'bin'), { recursive: true })
  await writeFile(join(folder, 'Kubefile'), 'FROM scratch\nCOPY hello.txt etc/hello.txt\n')
  await writeFile(join(folder, 'hello.txt'), 'hello\n')
  const command = join(folder, 'bin/sealer')
  await writeFile(
    command,
    `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dirname, '../packages/cli/bin.js')} "$@"\n`,
  )
  await chmod(command, 0o755)
  await cp(join(import.meta.dirname, 'support/signing-guide.sh'), join(folder, 'guide.sh'))
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    SEALER_HOME: site.home,
    OTHER_HOME: join(folder, 'other'),
    REGISTRY: registry.host,
    KEY_PASSWORD: 'pa55word',
  }
  const outcome = await ended(spawn('sh', ['guide.sh'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const said = succeeded('the guide', outcome)
  assert.match(said, `Loaded ${registry.host}/team/hello:v1`)
  assert.not.match(outcome.stderr, 'was not made here')
})

/** A signed image of two platforms on the registry. */
async function published(what: string): Promise<{ readonly name: string; readonly digest: string }> {
  const name = `${registry.host}/team/${what}:v1`
  const digest = await sealed(maker, name, what)
  await maker.images.sign(name, { key: 'env:KEY', password: 'env:PW' })
  await maker.images.push(name)
  return { name, digest }
}

/** An image that differs from all others by a label. */
async function sealed(sealer: Sealer, tag: string, label: string): Promise<string> {
  const store = storeOf(homeOf(sealer), systemClock)
  const platforms = [await smallPlatform(store.blobs, amd64), await smallPlatform(store.blobs, arm64)]
  const labelled = platforms.map((one) => ({ ...one, config: { ...one.config, labels: { label } } }))
  return (await sealImage(store, { tag, platforms: labelled, built: true })).digest
}

const homes = new WeakMap<Sealer, string>()
const homeOf = (sealer: Sealer): string => homes.get(sealer) ?? join(world, 'maker')

/** An empty machine that trusts our key. */
async function trusting(): Promise<Sealer> {
  const home = join(world, `site-${count++}`)
  const sealer = createSealer({ home, secrets })
  await sealer.trust.add('env:PUB')
  homes.set(sealer, home)
  return sealer
}

/** Something that listens where sshd would. */
async function listeningHost(): Promise<{ readonly port: number; connections(): number } & AsyncDisposable> {
  let connections = 0
  const server: Server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  return {
    port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

test.run()
