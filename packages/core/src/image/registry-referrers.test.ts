import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../clock.ts'
import { digestOf } from './blobs.ts'
import { mediaTypes } from './oci.ts'
import { RegistryClient } from './registry-client.ts'
import { registryDouble } from './registry-double.test.support.ts'
import { codeOf } from './small-images.test.support.ts'

const test = suite('registry-referrers')

const clock: Clock = { now: () => 0, sleep: async () => {} }
const client = () => new RegistryClient({ home: '/nonexistent', clock, secrets: { remember: () => {} } })
const subject = { mediaType: mediaTypes.index, digest: digestOf(Buffer.from('image')), size: 5 }
const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(Buffer.from('{}')), size: 2 }
const signature = (text: string) =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: 'application/x.signature',
      config,
      layers: [],
      subject,
      annotations: { text },
    }),
  )

test('where a registry does not list referrers, the list stands under a tag and grows', async () => {
  await using registry = await registryDouble()
  await using own = client()
  const name = { registry: registry.host, repository: 'team/app' }
  assert.equal(await own.referrers(name, subject.digest), [])
  const first = await own.pushReferrer(name, signature('one'))
  await own.pushReferrer(name, signature('two'))
  await own.pushReferrer(name, signature('one'))
  const listed = await own.referrers(name, subject.digest)
  assert.equal(
    listed.map(({ annotations }) => annotations?.text),
    ['one', 'two'],
  )
  assert.is(listed[0]?.digest, first.digest)
  assert.ok(registry.manifests.has(`team/app:${subject.digest.replace(':', '-')}`))
  assert.equal(await own.referrers(name, subject.digest, { artifactType: 'application/x.other' }), [])
})

test('a registry that lists them is asked page by page, and gets no list from us', async () => {
  await using registry = await registryDouble()
  await using own = client()
  const name = { registry: registry.host, repository: 'team/app' }
  const page = (text: string) => ({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ mediaType: mediaTypes.manifest, digest: digestOf(Buffer.from(text)), size: 3 }],
  })
  registry.fault = (request, response) => {
    if (request.method === 'PUT') {
      response.writeHead(201, { 'oci-subject': subject.digest }).end()
      return true
    }
    if (request.url?.includes('/referrers/') !== true) return false
    const last = request.url.includes('page=2')
    const link = last ? {} : { link: `<${request.url}?page=2>; rel="next"` }
    response.writeHead(200, link).end(JSON.stringify(page(last ? 'b' : 'a')))
    return true
  }
  await own.pushReferrer(name, signature('one'))
  assert.is(registry.asked.filter(({ line }) => line.startsWith('PUT')).length, 1)
  assert.is((await own.referrers(name, subject.digest)).length, 2)
})

test('a list that is none is refused', async () => {
  await using registry = await registryDouble()
  await using own = client()
  registry.fault = (_request, response) => {
    response.writeHead(200).end('<html>')
    return true
  }
  const name = { registry: registry.host, repository: 'team/app' }
  assert.is(await codeOf(own.referrers(name, subject.digest)), 'REGISTRY_INVALID')
})

test('a registry is left alone for as long as it asks', async () => {
  await using registry = await registryDouble()
  const pauses: number[] = []
  const patient: Clock = { now: () => 0, sleep: async (ms) => void pauses.push(ms) }
  await using own = new RegistryClient({ home: '/nonexistent', clock: patient, secrets: { remember: () => {} } })
  registry.fault = (_request, response, count) => {
    if (count > 2) return false
    response.writeHead(429, { 'retry-after': count === 1 ? '7' : '100000' }).end()
    return true
  }
  await own.digestOfTag({ registry: registry.host, repository: 'x' }, 'v1')
  assert.ok((pauses[0] ?? 0) >= 7000 && (pauses[0] ?? 0) < 8000, String(pauses))
  assert.ok((pauses[1] ?? 0) >= 60_000 && (pauses[1] ?? 0) < 62_000, 'an unbounded wait')
})

test.run()
