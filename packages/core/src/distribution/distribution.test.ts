import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import type { Platform } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage, ClusterConfig, PlatformImage } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { Step } from '../step.ts'
import { type FakeHost, fakeHost } from '../testing/fake-host.ts'
import { runSteps } from '../testing/run-steps.ts'
import { distributionSteps } from './distribution.ts'
import type { RegistryAccess } from './registry.ts'
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

const fetchInput = (host: FakeHost): string =>
  host.sent
    .filter(({ command }) => command.includes(' fetch '))
    .map(({ input }) => input.toString())
    .join('')

/** Command by which a host fetches blobs from others, and the addresses that it asks. */
const asked = (host: FakeHost): readonly string[] =>
  host.commands
    .filter((command) => command.includes(' fetch '))
    .flatMap((command) => [...command.matchAll(/https:\/\/([^:]+):5000\/v2\/sealer\/shared/g)].map(([, at = '']) => at))

async function plannedFor(
  hosts: readonly { host: FakeHost; architecture: 'amd64' | 'arm64' }[],
  access: Partial<RegistryAccess> = {},
) {
  const receivers = await Promise.all(
    hosts.map(async ({ host, architecture }) => ({
      view: host,
      facts: await host.facts(),
      exists: true,
      image: variants[architecture].image,
    })),
  )
  const registry = { port: 5000, fallback: 'upstream', ...access } as const
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

/** Steps by which blobs travel. */
const sendingOf = (steps: readonly Step[]) =>
  steps.filter(({ id }) => id.startsWith('rootfs-blobs/') || id.startsWith('image-blobs/'))

const rootfsHex = hexOf('rootfs of amd64')
/** Nothing comes from its peers. */
const withoutPeers = (host: FakeHost) => {
  let fetched = false
  return host
    .answer(/ fetch /, () => {
      fetched = true
      return ''
    })
    .answer(/ settle /, () => {
      const lacking = fetched ? `missing ${rootfsHex}\n` : ''
      fetched = false
      return lacking
    })
}

test('the first host gets everything from the operator, a host of another platform its own blobs from there', async () => {
  const master = fakeHost('m1', ['master'], { address: '10.0.0.1' })
  const node = fakeHost('n1', ['node'], { facts: { platform: arm } })
  const { steps } = await plannedFor([
    { host: master, architecture: 'amd64' },
    { host: node, architecture: 'arm64' },
  ])
  await runSteps(sendingOf(steps), [master, node])
  const served = ['manifest of amd64', 'layer of amd64', 'manifest of arm64', 'layer of arm64']
  assert.equal(await received(master), ['rootfs of amd64', ...served, 'rootfs of arm64'])
  assert.equal(await received(node), [])
  assert.equal(asked(node), ['10.0.0.1'])
  assert.match(fetchInput(node), hexOf('rootfs of arm64'))
  assert.not.match(fetchInput(node), rootfsHex)
  assert.ok(steps.find(({ id }) => id === 'rootfs-blobs/n1')?.after.includes('registry/m1'))
})

test('a host whose peers give it nothing gets it from the operator, and alone what is missing', async () => {
  const [master, one, other] = [fakeHost('m1', ['master']), fakeHost('n1'), fakeHost('n2')]
  withoutPeers(one)
  const { steps } = await plannedFor([master, one, other].map((host) => ({ host, architecture: 'amd64' as const })))
  await runSteps(sendingOf(steps), [master, one, other])
  assert.equal(await received(one), ['rootfs of amd64'])
  assert.equal(await received(other), [])
})

test('none passes blobs on to more than four; a node that does serves them for that long', async () => {
  const hosts = [fakeHost('m1', ['master']), ...Array.from({ length: 6 }, (_, index) => fakeHost(`n${index + 1}`))]
  const { steps } = await plannedFor(hosts.map((host) => ({ host, architecture: 'amd64' as const })))
  const after = (id: string) => steps.find((step) => step.id === id)?.after ?? []
  assert.equal(
    hosts.slice(1).map(({ name }) => after(`rootfs-blobs/${name}`).at(-1)),
    ['m1', 'm1', 'm1', 'm1', 'n1', 'n1'].map((name) => `registry-start/${name}`),
  )
  assert.equal(after('registry-stop/n1'), ['registry-start/n1', 'rootfs-blobs/n5', 'rootfs-blobs/n6'])
  assert.not.ok(steps.some(({ id }) => id === 'registry-start/n2' || id === 'registry-stop/m1'))
})

test('on hosts that have everything no registry is started for others', async () => {
  const hosts = [fakeHost('m1', ['master']), ...Array.from({ length: 5 }, (_, index) => fakeHost(`n${index + 1}`))]
  for (const host of hosts) {
    host.answer(/inventory/, () =>
      [...contents.entries()].map(([digest, text]) => `${digest.slice(7)} ${text.length} -1\n`).join(''),
    )
  }
  const { steps } = await plannedFor(hosts.map((host) => ({ host, architecture: 'amd64' as const })))
  const { skipped } = await runSteps(
    steps.filter(({ id }) => id.endsWith('/n1') || sendingOf([...steps]).some((step) => step.id === id)),
    hosts,
  )
  for (const id of ['rootfs-blobs/n5', 'registry-start/n1', 'registry-stop/n1']) assert.ok(skipped.includes(id), id)
})

test('a pull-through registry stands after the masters, and in the place of every upstream', async () => {
  const master = { host: fakeHost('m1', ['master'], { address: '10.0.0.1' }), architecture: 'amd64' } as const
  const pullThrough = 'https://10.0.0.254:7000/v2'
  const { registries } = await plannedFor([master], { pullThrough })
  assert.equal(registries.upstreams, [{ host: 'docker.io', urls: ['https://10.0.0.1:5000/v2/docker.io', pullThrough] }])
  assert.equal([registries.others, registries.fallback], [[pullThrough], 'never'])
  const alone = (await plannedFor([master])).registries
  assert.equal([alone.others, alone.fallback], [undefined, 'upstream'])
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
