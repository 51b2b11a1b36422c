import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Clock, systemClock } from '../clock.ts'
import { digestOf } from '../image/blobs.ts'
import { mediaTypes } from '../image/oci.ts'
import { RegistryClient } from '../image/registry-client.ts'
import { type RegistryDouble, registryDouble } from '../image/registry-double.test.support.ts'
import type { OciIndex, OciManifest } from '../image/schemas.ts'
import { amd64, arm64, putContainerImage, temporaryStore } from '../image/small-images.test.support.ts'
import { type ProxySources, RecordingProxy } from './recording-proxy.ts'

const test = suite('recording-proxy')
const big = randomBytes(3_000_000)
/** Pauses take no time. */
const clock: Clock = { ...systemClock, sleep: async () => {} }
const absent = `sha256:${'a'.repeat(64)}`

/** A proxy with an empty store before a registry that holds `team/app:v1`, an index for two platforms with a big layer each. */
async function world(options: Partial<ProxySources> = {}) {
  const upstream = await registryDouble()
  const store = await temporaryStore()
  const index = await fill(upstream)
  const client = new RegistryClient({ home: '/nonexistent', clock, secrets: { remember() {} } })
  const proxy = new RecordingProxy({ client, blobs: store.blobs, ...options })
  const server = createServer((request, response) => void proxy.handle(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`
  const ask = (path: string, init?: RequestInit) => fetch(`${base}/team/app/${path}?ns=${upstream.host}`, init)
  return {
    upstream,
    store,
    proxy,
    index,
    ask,
    name: `${upstream.host}/team/app`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await client[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function fill(registry: RegistryDouble): Promise<string> {
  await using scratch = await temporaryStore()
  const parts = []
  for (const platform of [amd64, arm64]) {
    const { blobs } = await putContainerImage(scratch.blobs, 'x', platform)
    const [, config] = blobs
    if (config === undefined) throw new Error('no config')
    registry.blobs.set(config.digest, await scratch.blobs.read(config.digest))
    registry.blobs.set(digestOf(big), big)
    const layers = [{ mediaType: mediaTypes.layer, digest: digestOf(big), size: big.length }]
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }))
    registry.manifests.set(`team/app@${digestOf(manifest)}`, { mediaType: mediaTypes.manifest, bytes: manifest })
    parts.push({ mediaType: mediaTypes.manifest, digest: digestOf(manifest), size: manifest.length, platform })
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: parts }))
  const digest = digestOf(bytes)
  for (const key of ['team/app:v1', `team/app@${digest}`])
    registry.manifests.set(key, { mediaType: mediaTypes.index, bytes })
  return digest
}

/** As containerd pulls: the tag's digest, the index, one manifest of it, its blobs. */
async function pull({ ask }: Pick<Awaited<ReturnType<typeof world>>, 'ask'>, tag = 'v1'): Promise<readonly Buffer[]> {
  const digest = (await ask(`manifests/${tag}`, { method: 'HEAD' })).headers.get('docker-content-digest')
  const { config, layers } = await manifestOf({ ask }, `${digest}`)
  const blobs = []
  for (const { digest } of [config, ...layers])
    blobs.push(Buffer.from(await (await ask(`blobs/${digest}`)).arrayBuffer()))
  return blobs
}

/** The first manifest of the index, as served. */
async function manifestOf({ ask }: Pick<Awaited<ReturnType<typeof world>>, 'ask'>, tag = 'v1'): Promise<OciManifest> {
  const { manifests } = (await (await ask(`manifests/${tag}`)).json()) as OciIndex
  return (await (await ask(`manifests/${manifests[0]?.digest}`)).json()) as OciManifest
}

const lines = ({ asked }: RegistryDouble, part: string) => asked.filter(({ line }) => line.includes(part)).length

test('an image is passed on whole, kept, and written down under the name that was asked for', async () => {
  await using here = await world()
  const [, layer] = await pull(here)
  assert.ok(layer?.equals(big))
  assert.equal(here.proxy.observed, [{ reference: `${here.name}:v1`, digest: here.index }])
  assert.equal(here.proxy.refused, [])
  assert.ok((await here.store.blobs.read(digestOf(big))).equals(big))
  assert.ok(await here.store.has(here.index))
})

test('a second pull asks the upstream for nothing, also when its tag has moved meanwhile', async () => {
  await using here = await world()
  await pull(here)
  const before = here.upstream.asked.length
  here.upstream.manifests.delete('team/app:v1')
  await pull(here)
  assert.is(here.upstream.asked.length, before)
})

test('a blob that two want at once is fetched once', async () => {
  await using here = await world()
  await manifestOf(here)
  const both = await Promise.all([1, 2].map(async () => (await here.ask(`blobs/${digestOf(big)}`)).arrayBuffer()))
  assert.equal(
    both.map((bytes) => Buffer.from(bytes).equals(big)),
    [true, true],
  )
  assert.is(lines(here.upstream, '/blobs/'), 1)
})

test('bytes are passed on before the last one has come', async () => {
  await using here = await world()
  let goOn = () => {}
  const rest = new Promise<void>((go) => {
    goOn = go
  })
  here.upstream.fault = (request, response) => {
    if (!request.url?.endsWith(digestOf(big))) return false
    response.writeHead(200, { 'content-length': String(big.length) }).write(big.subarray(0, 1_000_000))
    void rest.then(() => response.end(big.subarray(1_000_000)))
    return true
  }
  await manifestOf(here)
  const answer = await here.ask(`blobs/${digestOf(big)}`)
  const reader = answer.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  assert.ok((value?.length ?? 0) > 0)
  goOn()
  let got = value?.length ?? 0
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) got += next.value.length
  assert.is(got, big.length)
})

test('wrong bytes of an upstream never make a whole blob, and are not kept', async () => {
  await using here = await world()
  here.upstream.blobs.set(digestOf(big), Buffer.concat([big.subarray(0, -1), Buffer.from([(big.at(-1) ?? 0) ^ 1])]))
  const failed = await pull(here).then(
    () => false,
    () => true,
  )
  assert.ok(failed)
  assert.not(await here.store.has(digestOf(big)))
})

test('a part of a blob, as clients ask that go on', async () => {
  await using here = await world()
  await manifestOf(here)
  const part = await here.ask(`blobs/${digestOf(big)}`, { headers: { range: 'bytes=2999990-' } })
  assert.is(part.status, 206)
  assert.is(part.headers.get('content-range'), `bytes 2999990-2999999/${big.length}`)
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(big.subarray(2_999_990)))
  assert.is((await here.ask(`blobs/${digestOf(big)}`, { headers: { range: 'bytes=9999999-' } })).status, 416)
})

test('what the upstream lacks is refused, told, and not repeated as news', async () => {
  let now = 1
  await using here = await world({ clock: { ...systemClock, now: () => now } })
  assert.is((await here.ask('manifests/v9')).status, 404)
  now = 2
  assert.is((await here.ask('manifests/v9')).status, 404)
  assert.is(here.proxy.lastNews, 1)
  assert.equal(
    here.proxy.refused.map(({ reference }) => reference),
    [`${here.name}:v9`],
  )
  assert.match(here.proxy.refused[0]?.reason ?? '', 'does not have')
})

test('a name that was refused at first and served later is not missing', async () => {
  await using here = await world()
  const kept = here.upstream.manifests.get('team/app:v1')
  here.upstream.manifests.delete('team/app:v1')
  await here.ask('manifests/v1')
  if (kept !== undefined) here.upstream.manifests.set('team/app:v1', kept)
  await pull(here)
  assert.equal(here.proxy.refused, [])
})

test('only blobs that a served manifest names are fetched', async () => {
  await using here = await world()
  here.upstream.blobs.set(absent, Buffer.from('a secret of another repository'))
  assert.is((await here.ask(`blobs/${absent}`)).status, 404)
  assert.is((await here.ask(`blobs/${digestOf(big)}`)).status, 404)
  assert.equal(here.upstream.asked, [])
})

test('a pin decides what a tag means', async () => {
  const pins: string[] = []
  await using here = await world({
    pinned: (reference) => {
      pins.push(reference)
      return `${reference}@${here.index}`
    },
  })
  here.upstream.manifests.delete('team/app:v1')
  await pull(here)
  assert.equal(pins, [`${here.name}:v1`])
  assert.equal(here.proxy.observed, [{ reference: `${here.name}:v1`, digest: here.index }])
})

test('closed, it serves nothing and asks nobody, but writes down who was missed', async () => {
  const told: string[] = []
  await using here = await world({ closed: true, onAsked: (reference) => told.push(reference) })
  assert.is((await here.ask('manifests/v1')).status, 404)
  assert.is((await here.ask(`manifests/${here.index}`)).status, 404)
  assert.is((await here.ask('manifests/v1', { method: 'HEAD' })).status, 404)
  assert.equal(
    here.proxy.refused.map(({ reference }) => reference),
    [`${here.name}:v1`, `${here.name}@${here.index}`],
  )
  assert.equal(here.proxy.observed, [])
  assert.equal(told.sort(), [`${here.name}:v1`, `${here.name}@${here.index}`])
  assert.equal(here.upstream.asked, [])
})

test('nothing can be written', async () => {
  await using here = await world()
  assert.is((await here.ask('manifests/v1', { method: 'PUT', body: '{}' })).status, 405)
  assert.is((await here.ask('blobs/uploads/', { method: 'POST' })).status, 405)
})

test('a client that goes away in the middle leaves the transfer to others', async () => {
  await using here = await world()
  here.upstream.fault = (request, response) => {
    if (!request.url?.endsWith(digestOf(big))) return false
    response.writeHead(200, { 'content-length': String(big.length) }).write(big.subarray(0, 1_000_000))
    void setTimeout(200).then(() => response.end(big.subarray(1_000_000)))
    return true
  }
  await manifestOf(here)
  const gone = new AbortController()
  const first = await here.ask(`blobs/${digestOf(big)}`, { signal: gone.signal })
  await first.body?.getReader().read()
  gone.abort()
  const second = Buffer.from(await (await here.ask(`blobs/${digestOf(big)}`)).arrayBuffer())
  assert.ok(second.equals(big))
  assert.is(lines(here.upstream, digestOf(big)), 1)
})

test.run()
