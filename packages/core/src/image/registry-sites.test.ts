import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../clock.ts'
import { createAuthority, issueLeaf } from '../distribution/certificates.ts'
import type { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { digestOf } from './blobs.ts'
import { Credentials } from './credentials.ts'
import { mediaTypes } from './oci.ts'
import { RegistryClient } from './registry-client.ts'
import { registryDouble } from './registry-double.test.support.ts'
import { codeOf, temporaryFolder, temporaryStore } from './small-images.test.support.ts'

const test = suite('registry-sites')

const clock: Clock = { now: () => 0, sleep: async () => {} }
const secrets = { remember: () => {} }
const bytes = randomBytes(10_000)
const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length }
const manifest = { mediaType: mediaTypes.index, bytes: Buffer.from('{"schemaVersion":2,"manifests":[]}') }

async function home(registries: object) {
  const folder = await temporaryFolder()
  await mkdir(folder.path, { recursive: true })
  await writeFile(join(folder.path, 'registries.yaml'), JSON.stringify({ registries }))
  return folder
}

test('mirrors are read in their order, what none of them has comes from the registry itself', async () => {
  await using store = await temporaryStore()
  await using upstream = await registryDouble()
  await using first = await registryDouble()
  await using second = await registryDouble()
  const gone = await registryDouble()
  await gone[Symbol.asyncDispose]()
  await using folder = await home({ [upstream.host]: { mirrors: [gone.host, `${first.host}/hub`, second.host] } })
  await using client = new RegistryClient({ home: folder.path, clock, secrets })
  first.manifests.set('hub/team/app:v1', manifest)
  first.blobs.set(blob.digest, randomBytes(blob.size)) // a mirror that lies
  second.blobs.set(blob.digest, bytes)
  upstream.manifests.set('team/app:v2', manifest)
  const name = { registry: upstream.host, repository: 'team/app' }

  assert.is((await client.manifest(name, 'v1')).blob.digest, digestOf(manifest.bytes))
  await client.fetchBlob(name, blob, store.blobs)
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
  assert.not(upstream.asked.some(({ line }) => line.includes('/team/')))
  await client.manifest(name, 'v2')
  assert.is(await codeOf(client.manifest(name, 'v3')), 'REGISTRY_LACKS')
  assert.is(await codeOf(client.manifest(name, 'v1', { direct: true })), 'REGISTRY_LACKS')
})

test('the login of a registry is not shown to its mirror', async () => {
  await using upstream = await registryDouble()
  await using mirror = await registryDouble()
  await using folder = await home({ [upstream.host]: { mirrors: [mirror.host] } })
  const login = { kind: 'password', user: 'ann', password: 'pa55word' } as const
  await using client = new RegistryClient({
    home: folder.path,
    clock,
    secrets,
    logins: new Map([[upstream.host, login]]),
  })
  upstream.manifests.set('team/app:v1', manifest)
  for (const registry of [upstream, mirror]) {
    registry.fault = (request, response) => {
      if (request.headers.authorization !== undefined) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    }
  }
  await client.manifest({ registry: upstream.host, repository: 'team/app' }, 'v1')
  assert.ok(mirror.asked.length > 0)
  assert.ok(mirror.asked.every(({ headers }) => headers.authorization === undefined))
})

test('an own CA is trusted for the registry that it was told for', async () => {
  const times = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 3600_000) }
  const authority = await createAuthority('site', times)
  const { key, certificate: cert } = await issueLeaf(
    authority,
    { kind: 'server', name: 'registry', addresses: ['127.0.0.1'] },
    times,
  )
  const serve = async () => {
    const server = createServer({ key, cert }, (_request, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { server, name: { registry: `127.0.0.1:${(server.address() as AddressInfo).port}`, repository: 'x' } }
  }
  const [told, other] = [await serve(), await serve()]
  await using folder = await home({ [told.name.registry]: { ca: 'ca.pem' } })
  await writeFile(join(folder.path, 'ca.pem'), authority.certificate)
  await using client = new RegistryClient({ home: folder.path, clock, secrets })
  const codes = [await codeOf(client.manifest(told.name, 'v1')), await codeOf(client.manifest(other.name, 'v1'))]
  for (const { server } of [told, other]) {
    server.closeAllConnections()
    server.close()
  }
  assert.equal(codes, ['REGISTRY_LACKS', 'REGISTRY_UNTRUSTED'])
})

test('a mistake in the file is refused with its place', async () => {
  for (const [registries, reason] of [
    [{ 'quay.io': { miror: ['x:1'] } }, /quay\.io.*miror/],
    [{ 'quay.io': { mirrors: ['no host'] } }, /the mirror "no host"/],
    [{ 'quay.io/team': {} }, /quay\.io\/team: it is no registry/],
    [{ 'quay.io': { ca: 'nosuch.pem' } }, /nosuch\.pem cannot be read/],
  ] as const) {
    await using folder = await home(registries)
    await using client = new RegistryClient({ home: folder.path, clock, secrets })
    const error = await rejection<SealerError>(client.manifest({ registry: '127.0.0.1:1', repository: 'x' }, 'v1'))
    assert.is(error.code, 'REGISTRIES_INVALID')
    assert.match(error.message, reason)
  }
})

test('a credential helper is asked on its input, for its registries alone', async () => {
  await using folder = await temporaryFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin, { recursive: true })
  const program = join(bin, 'docker-credential-lab')
  await writeFile(
    program,
    `#!/bin/sh
read server
echo "$@ $server" >> ${folder.path}/asked
case $server in
  a.example) echo '{"ServerURL":"a.example","Username":"ann","Secret":"pa55word"}' ;;
  t.example) echo '{"ServerURL":"t.example","Username":"<token>","Secret":"refresh"}' ;;
  broken.example) echo '{"Secret":"hunter2"' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
  )
  await chmod(program, 0o755)
  const file = join(folder.path, 'config.json')
  const auth = Buffer.from('bob:secret').toString('base64')
  const config = {
    auths: { 'b.example': { auth }, 'a.example': {} },
    credHelpers: { 'z.example': '../evil' },
    credsStore: 'lab',
  }
  await writeFile(file, JSON.stringify(config))
  const path = process.env.PATH
  process.env.PATH = `${bin}:${path}`
  try {
    const credentials = new Credentials(folder.path, [file], secrets)
    assert.equal(await credentials.find('a.example'), { kind: 'password', user: 'ann', password: 'pa55word' })
    assert.equal(await credentials.find('t.example'), { kind: 'refresh-token', token: 'refresh' })
    assert.equal(await credentials.find('b.example'), { kind: 'password', user: 'bob', password: 'secret' })
    assert.is(await credentials.find('docker.io'), undefined)
    const broken = await rejection<SealerError>(credentials.find('broken.example'))
    assert.is(broken.code, 'CREDENTIAL_HELPER_FAILED')
    assert.not.match(`${broken.stack} ${broken.cause}`, 'hunter2')
    assert.is((await rejection<SealerError>(credentials.find('z.example'))).code, 'CREDENTIAL_HELPER_FAILED')
    assert.is(
      await readFile(join(folder.path, 'asked'), 'utf8'),
      'get a.example\nget t.example\nget https://index.docker.io/v1/\nget broken.example\n',
    )
  } finally {
    process.env.PATH = path
  }
})

test.run()
