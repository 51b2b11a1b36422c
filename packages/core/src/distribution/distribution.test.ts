import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import type { Platform } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage, ClusterConfig, PlatformImage } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import { type FakeHost, fakeHost } from '../testing/fake-host.ts'
import { runSteps } from '../testing/run-steps.ts'
import { distributionSteps } from './distribution.ts'
import type { RegistryAuthority } from './registry-pki.ts'

const test = suite('distribution')

const hexOf = (text: string) => createHash('sha256').update(text).digest('hex')
/** A blob whose content is its name. */
const blob = (content: string, mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'): BlobDescriptor => ({
  mediaType,
  digest: `sha256:${hexOf(content)}`,
  size: content.length,
})

/** An image's variant for one platform, and the content of its blobs. */
function variant(architecture: string): { readonly contents: readonly string[]; readonly image: PlatformImage } {
  const rootfs = `rootfs of ${architecture}`
  const carried = [`manifest of ${architecture}`, `layer of ${architecture}`]
  const image: CarriedImage = {
    reference: 'docker.io/library/web:1',
    digest: blob(carried[0] ?? '').digest,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    blobs: [blob(carried[0] ?? '', 'application/vnd.oci.image.manifest.v1+json'), blob(carried[1] ?? '')],
    apps: [],
    reasons: [],
  }
  return {
    contents: [rootfs, ...carried],
    image: {
      config: {} as ClusterConfig,
      rootfs: `sha256:${hexOf(`image of ${architecture}`)}`,
      layers: [{ blob: blob(rootfs), diffId: `sha256:${hexOf(`diff of ${architecture}`)}` }],
      images: [image],
    },
  }
}

const variants = { amd64: variant('amd64'), arm64: variant('arm64') }
const contents = new Map(
  Object.values(variants)
    .flatMap((one) => one.contents)
    .map((content) => [`sha256:${hexOf(content)}`, content]),
)
const store = {
  open: ({ digest }: BlobDescriptor, offset = 0) =>
    Readable.from([Buffer.from((contents.get(digest) ?? '').slice(offset))]),
} as unknown as ImageStore
const authority: RegistryAuthority = {
  certificate: undefined,
  pair: async () => ({ certificate: 'ca', key: 'key' }),
  issue: async () => ({ certificate: 'leaf', key: 'key' }),
}

async function plannedFor(hosts: readonly { host: FakeHost; architecture: 'amd64' | 'arm64' }[]) {
  const receivers = await Promise.all(
    hosts.map(async ({ host, architecture }) => ({
      view: host,
      facts: await host.facts(),
      exists: true,
      image: variants[architecture].image,
    })),
  )
  const registry = { port: 5000, fallback: 'never' } as const
  return await distributionSteps({
    cluster: 'lab',
    receivers,
    store,
    registry,
    authority,
    clock: systemClock,
    serve: true,
  })
}

/** Content of every blob that has travelled to a host. */
async function received(host: FakeHost): Promise<readonly string[]> {
  const streams = host.sent.filter(({ command }) => command.startsWith('tar ') && command.includes('incoming'))
  const names = await Promise.all(streams.map(({ input }) => entriesOf(input)))
  return names.flat().map((name) => contents.get(`sha256:${name}`) ?? name)
}

async function entriesOf(archive: Buffer): Promise<readonly string[]> {
  const names: string[] = []
  const reader = extract()
  reader.on('entry', ({ name }, entry, next) => {
    names.push(name)
    entry.on('end', next).resume()
  })
  await new Promise((resolve, reject) => {
    reader.on('finish', () => resolve(undefined)).on('error', reject)
    reader.end(archive)
  })
  return names
}

const arm: Platform = { os: 'linux', architecture: 'arm64' }

test('an arm64 host receives the blobs of its platform alone; the master serves the images of both', async () => {
  const master = fakeHost('m1', ['master'])
  const node = fakeHost('n1', ['node'], { facts: { platform: arm } })
  const { steps } = await plannedFor([
    { host: master, architecture: 'amd64' },
    { host: node, architecture: 'arm64' },
  ])
  const sending = steps.filter(({ id }) => id.startsWith('rootfs-blobs/') || id.startsWith('image-blobs/'))
  await runSteps(sending, [master, node])
  assert.equal(await received(node), ['rootfs of arm64'])
  const served = ['manifest of amd64', 'layer of amd64', 'manifest of arm64', 'layer of arm64']
  assert.equal(await received(master), ['rootfs of amd64', ...served])
})

test('what has arrived in an earlier run is not sent again: a beginning is continued, a whole blob is left out', async () => {
  const node = fakeHost('n1', ['node']).answer(/inventory/, () => `${hexOf('rootfs of amd64')} -1 7\n`)
  const { steps, bytes } = await plannedFor([{ host: node, architecture: 'amd64' }])
  assert.is(bytes.get('n1'), 'rootfs of amd64'.length - 7)
  await runSteps(
    steps.filter(({ id }) => id.startsWith('rootfs-blobs/')),
    [node],
  )
  assert.equal(await received(node), [`${hexOf('rootfs of amd64')}.rest`])

  const whole = fakeHost('n2', ['node']).answer(
    /inventory/,
    () => `${hexOf('rootfs of amd64')} ${'rootfs of amd64'.length} -1\n`,
  )
  const { steps: none } = await plannedFor([{ host: whole, architecture: 'amd64' }])
  const { skipped } = await runSteps(
    none.filter(({ id }) => id.startsWith('rootfs-blobs/')),
    [whole],
  )
  assert.equal(skipped, ['rootfs-blobs/n2'])
})

test('a blob that is damaged on the host twice fails the step by its digest', async () => {
  const node = fakeHost('n1', ['node']).answer(/settle/, () => `damaged ${hexOf('rootfs of amd64')}\n`)
  const { steps } = await plannedFor([{ host: node, architecture: 'amd64' }])
  const error = await runSteps(
    steps.filter(({ id }) => id.startsWith('rootfs-blobs/')),
    [node],
  ).catch((caught: Error) => caught)
  assert.match(String(error), `damaged ${hexOf('rootfs of amd64')}`)
})

test('every upstream of the bundle has a place of its own on every master', async () => {
  const master = fakeHost('m1', ['master'], { address: '10.0.0.1' })
  const { registries } = await plannedFor([{ host: master, architecture: 'amd64' }])
  assert.equal(registries.upstreams, [{ host: 'docker.io', urls: ['https://10.0.0.1:5000/v2/docker.io'] }])
})

test.run()
