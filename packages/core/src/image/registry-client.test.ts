import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../clock.ts'
import { createAuthority } from '../distribution/certificates.ts'
import type { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { digestOf } from './blobs.ts'
import { RegistryClient } from './registry-client.ts'
import { type RegistryDouble, registryDouble } from './registry-double.test.support.ts'
import {
  amd64,
  arm64,
  codeOf,
  putContainerImage,
  temporaryFolder,
  temporaryStore,
} from './small-images.test.support.ts'

const test = suite('registry-client')

/** Pauses take no time. */
const clock: Clock = { now: () => 0, sleep: async () => {} }
const remembered: string[] = []
const secrets = { remember: (secret: string) => void remembered.push(secret) }
const client = (home = '/nonexistent') => new RegistryClient({ home, clock, secrets })

const bytes = randomBytes(400_000)
const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length }
const at = (registry: RegistryDouble, repository = 'team/app') => ({ registry: registry.host, repository })

test('a broken download goes on by range', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  registry.blobs.set(blob.digest, bytes)
  registry.fault = (request, response, count) => {
    if (count !== 1 || request.method !== 'GET') return false
    response.writeHead(200, { 'content-length': String(bytes.length) })
    response.write(bytes.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 50))
    return true
  }
  await own.fetchBlob(at(registry), blob, store.blobs)
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
  const ranges = registry.asked.map(({ headers }) => headers.range).filter((range) => range !== undefined)
  assert.is(ranges.length, 1)
  assert.match(ranges[0] ?? '', /^bytes=[1-9]\d*-$/)
})

test('a registry that is overloaded is asked again, one that refuses is not', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  registry.blobs.set(blob.digest, bytes)
  registry.fault = (_request, response, count) => {
    if (count > 2) return false
    response.writeHead(count === 1 ? 503 : 429).end()
    return true
  }
  await own.fetchBlob(at(registry), blob, store.blobs)
  assert.ok(await store.has(blob.digest))

  registry.fault = (_request, response) => {
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'not yours\u001b[31m' }] }))
    return true
  }
  const before = registry.asked.length
  const error = await rejection<SealerError>(own.manifest(at(registry), 'v1'))
  assert.is(error.code, 'REGISTRY_DENIED')
  assert.match(error.message, 'not yours [31m')
  assert.is(registry.asked.length, before + 1)
})

test('other bytes than the digest says are refused', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  registry.blobs.set(blob.digest, randomBytes(blob.size))
  assert.is(await codeOf(own.fetchBlob(at(registry), blob, store.blobs)), 'BLOB_CORRUPT')
  assert.not(await store.has(blob.digest))
  const manifest = { mediaType: 'application/vnd.oci.image.index.v1+json', bytes: Buffer.from('{}') }
  registry.manifests.set(`team/app@${blob.digest}`, manifest)
  assert.is(await codeOf(own.manifest(at(registry), blob.digest)), 'BLOB_CORRUPT')
})

test('an endless manifest is not read', async () => {
  await using registry = await registryDouble()
  await using own = client()
  registry.manifests.set('team/app:v1', { mediaType: 'application/json', bytes: Buffer.alloc(5 * 1024 * 1024) })
  assert.is(await codeOf(own.manifest(at(registry), 'v1')), 'REGISTRY_INVALID')
})

test('what is not there is said to be missing', async () => {
  await using registry = await registryDouble()
  await using own = client()
  const error = await rejection<SealerError>(own.manifest(at(registry), 'v9'))
  assert.is(error.code, 'REGISTRY_LACKS')
  assert.match(error.message, 'team/app:v9')
})

test('a registry that is down is asked several times, then named', async () => {
  const gone = await registryDouble()
  const where = at(gone)
  await gone[Symbol.asyncDispose]()
  await using own = client()
  const error = await rejection<SealerError>(own.manifest(where, 'v1'))
  assert.is(error.code, 'REGISTRY_UNREACHABLE')
  assert.match(error.message, gone.host)
})

test('a certificate that nobody knows is refused, unless the registry is said to be insecure', async () => {
  const { key, certificate: cert } = await createAuthority('x', {
    notBefore: new Date(),
    notAfter: new Date(Date.now() + 3600_000),
  })
  const server = createHttpsServer({ key, cert }, (_request, response) => response.writeHead(404).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const where = { registry: `127.0.0.1:${(server.address() as AddressInfo).port}`, repository: 'x' }
  await using careful = client()
  await using careless = new RegistryClient({ home: '/nonexistent', clock, secrets, insecure: true })
  const [carefully, carelessly] = [
    await codeOf(careful.manifest(where, 'v1')),
    await codeOf(careless.manifest(where, 'v1')),
  ]
  server.closeAllConnections()
  server.close()
  assert.is(carefully, 'REGISTRY_UNTRUSTED')
  assert.is(carelessly, 'REGISTRY_LACKS')
})

test('a redirect to another origin is followed without the login', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using storage = await registryDouble()
  await using folder = await temporaryFolder()
  await using own = client(folder.path)
  await own.credentials.save(registry.host, 'ann', 'pa55word')
  storage.blobs.set(blob.digest, bytes)
  registry.fault = (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end()
    return true
  }
  await own.fetchBlob(at(registry), blob, store.blobs)
  assert.ok(await store.has(blob.digest))
  assert.is(storage.asked[0]?.headers.authorization, undefined)
  assert.is(registry.asked.at(-1)?.headers.authorization, `Basic ${Buffer.from('ann:pa55word').toString('base64')}`)
})

test('a token is fetched with the login, and only once', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using folder = await temporaryFolder()
  await using own = client(folder.path)
  await own.credentials.save(registry.host, 'ann', 'pa55word')
  registry.blobs.set(blob.digest, bytes)
  let tokens = 0
  registry.fault = (request, response) => {
    if (request.url?.startsWith('/token') === true) {
      tokens++
      assert.match(request.url, 'scope=repository%3Ateam%2Fapp%3Apull')
      assert.match(request.headers.authorization ?? '', /^Basic /)
      response.writeHead(200).end('{"token":"t0ken-of-ann"}')
      return true
    }
    if (request.headers.authorization === 'Bearer t0ken-of-ann') return false
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token",service="reg"` }).end()
    return true
  }
  await own.fetchBlob(at(registry), blob, store.blobs)
  await rejection<SealerError>(own.manifest(at(registry), 'v1'))
  assert.is(tokens, 1)
  assert.ok(remembered.includes('t0ken-of-ann'))
})

test('without a login the registry says what is denied', async () => {
  await using registry = await registryDouble()
  await using own = client()
  registry.fault = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    return true
  }
  assert.match((await rejection<SealerError>(own.manifest(at(registry), 'v1'))).message, 'pull from team/app')
})

test("docker's own logins are found", async () => {
  await using folder = await temporaryFolder()
  await using own = client(folder.path)
  await mkdir(folder.path, { recursive: true })
  const auth = Buffer.from('bob:secret').toString('base64')
  await writeFile(
    join(folder.path, 'auth.json'),
    JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } }),
  )
  assert.equal(await own.credentials.find('docker.io'), { kind: 'password', user: 'bob', password: 'secret' })
  assert.is(await own.credentials.find('quay.io'), undefined)
})

test('a login file that is not JSON is refused without quoting it', async () => {
  await using folder = await temporaryFolder()
  await using own = client(folder.path)
  await writeFile(join(folder.path, 'auth.json'), '{"auths": hunter2')
  const error = await rejection<SealerError>(own.credentials.find('quay.io'))
  assert.is(error.code, 'AUTH_FILE_INVALID')
  assert.not.match(String(error.stack) + String(error.cause), 'hunter2')
})

test('a wrong password is told apart', async () => {
  await using registry = await registryDouble()
  await using own = client()
  registry.fault = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    return true
  }
  assert.is(await codeOf(own.proveLogin(registry.host, 'ann', 'wrong')), 'LOGIN_FAILED')
})

test('an upload that breaks goes on behind what has arrived', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  await store.blobs.put(bytes)
  let broken = false
  registry.fault = (request) => {
    if (request.method !== 'PATCH' || broken) return false
    broken = true
    let seen = 0
    request.on('data', (piece: Buffer) => {
      seen += piece.length
      if (seen > 100_000) request.destroy()
    })
    return false
  }
  assert.is(await own.sendBlob(at(registry), blob, store.blobs, undefined), true)
  assert.ok(registry.blobs.get(blob.digest)?.equals(bytes))
  const patches = registry.asked.filter(({ line }) => line.startsWith('PATCH'))
  assert.match(patches[1]?.headers['content-range'] ?? '', /^[1-9]\d*-399999$/)
})

test('a blob that another repository lends is not sent', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  await store.blobs.put(bytes)
  registry.blobs.set(blob.digest, bytes)
  assert.is(await own.sendBlob(at(registry), blob, store.blobs, 'team/base'), false)
  assert.not(registry.asked.some(({ line }) => line.startsWith('PATCH')))
})

test('a container image arrives with its upstream digests, for one platform', async () => {
  await using store = await temporaryStore()
  await using upstream = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  const images = [
    await putContainerImage(upstream.blobs, 'x', amd64),
    await putContainerImage(upstream.blobs, 'x', arm64),
  ]
  const manifests = images.map((image, i) => ({ ...image.blobs[0], platform: [amd64, arm64][i] }))
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  registry.manifests.set('team/app:v1', { mediaType, bytes: index })
  for (const image of images) {
    for (const part of image.blobs) registry.blobs.set(part.digest, await upstream.blobs.read(part.digest))
    registry.manifests.set(`team/app@${image.digest}`, {
      mediaType: image.mediaType,
      bytes: await upstream.blobs.read(image.digest),
    })
  }
  const got = await own.fetchImage(`${registry.host}/team/app:v1`, arm64, store.blobs)
  assert.is(got.digest, digestOf(index))
  assert.is(got.reference, `${registry.host}/team/app:v1`)
  assert.equal(
    got.blobs.map(({ digest }) => digest),
    [digestOf(index), ...(images[1]?.blobs ?? []).map(({ digest }) => digest)],
  )
  for (const part of got.blobs) assert.is(await store.blobs.size(part.digest), part.size)
  assert.not(await store.has(images[0]?.digest ?? ''))
})

test('an abort ends a download; what has arrived stays for the next', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using own = client()
  registry.blobs.set(blob.digest, bytes)
  const stopping = new AbortController()
  registry.fault = (_request, response, count) => {
    if (count !== 1) return false
    response.writeHead(200, { 'content-length': String(bytes.length) })
    response.write(bytes.subarray(0, 200_000))
    return true
  }
  const onBytes = (_blob: unknown, here: number) => {
    if (here >= 200_000) stopping.abort(new Error('stopped'))
  }
  const error = await rejection<SealerError>(
    own.fetchBlob(at(registry), blob, store.blobs, { signal: stopping.signal, onBytes }),
  )
  assert.is(error.message, 'stopped')
  registry.fault = undefined
  await own.fetchBlob(at(registry), blob, store.blobs)
  assert.is(registry.asked.at(-1)?.headers.range, 'bytes=200000-')
})

test.run()
