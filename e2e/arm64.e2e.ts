// time limit: 5400 s
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlobDescriptor, createSealer, type KnownHost, type PlatformImage, systemClock } from '@sealer/core'
import { type FakeHost, fakeHost, runSteps } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { elfMachine } from '../images/kubernetes/src/elf.ts'
import { distributionSteps } from '../packages/core/src/distribution/distribution.ts'
import { buildBase, imagesHome } from './support/cluster-images.ts'
import { tool } from './support/run-tool.ts'

// The base image for two platforms: what is for ARM is made for ARM, whole, and goes where ARM is. Where its parts are not in the cache
// they are compiled first, which takes a quarter of an hour on two idle processors.

const test = suite('arm64')
const folder = await mkdtemp(join(tmpdir(), 'sealer-arm64-'))
const rootfs = join(folder, 'rootfs')
const sealer = createSealer({ home: imagesHome })
const { store } = sealer.images
const variants = new Map<string, PlatformImage>()

test.before(async () => {
  const reference = await buildBase('1.34', ['linux/amd64', 'linux/arm64'])
  const { platforms } = await sealer.images.inspect(reference)
  for (const image of platforms) variants.set(image.config.platform.architecture, image)
})
test.after(async () => {
  await sealer[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const variant = (architecture: string): PlatformImage => {
  const image = variants.get(architecture)
  if (image === undefined) throw new Error(`the base image has nothing for ${architecture}`)
  return image
}

/** Unpacks a gzip layer. Nothing of another owner or a device is in these. */
async function unpack(blob: BlobDescriptor, target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  await tool('tar', '--extract', '--gzip', '--file', store.blobPath(blob.digest), '--directory', target)
}

/** Machines of all ELF files below a folder, by path. */
async function machinesBelow(top: string): Promise<ReadonlyMap<string, string>> {
  const machines = new Map<string, string>()
  for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
    await file.close()
    const machine = elfMachine(buffer.subarray(0, bytesRead))
    if (machine !== undefined) machines.set(path, machine)
  }
  return machines
}

const foreign = (machines: ReadonlyMap<string, string>) => [...machines].filter(([, machine]) => machine !== 'arm64')

test('every program of the rootfs is for arm64', async () => {
  for (const { blob } of variant('arm64').layers) await unpack(blob, rootfs)
  const machines = await machinesBelow(rootfs)
  assert.equal(foreign(machines), [])
  for (const name of ['kubeadm', 'kubelet', 'kubectl', 'containerd', 'runc', 'registry', 'helm'])
    assert.ok(machines.has(join(rootfs, 'bin', name)), name)
})

test('every program of the container images is for arm64', async () => {
  const { images } = variant('arm64')
  assert.ok(images.length >= 8, `${images.length} images`)
  for (const { reference, blobs } of images) {
    const target = join(folder, reference.replaceAll(/[^a-z0-9.-]/g, '_'))
    for (const blob of blobs.filter(({ mediaType }) => mediaType.includes('tar'))) await unpack(blob, target)
    const machines = await machinesBelow(target)
    assert.ok(machines.size > 0, `${reference} has programs`)
    assert.equal(foreign(machines), [], reference)
  }
})

test('its programs run on an emulated processor', async () => {
  const said = (name: string, ...args: readonly string[]) =>
    execFileSync('qemu-aarch64-static', [join(rootfs, 'bin', name), ...args], { encoding: 'utf8' })
  assert.match(said('kubeadm', 'version', '--output', 'short'), /^v1\.34\./)
  assert.match(said('containerd', '--version'), 'containerd')
  assert.match(said('runc', '--version'), /seccomp/)
})

test('a host with an ARM processor receives the rootfs of its own platform and nothing else', async () => {
  const master = fakeHost('m1', ['master'])
  const node = fakeHost('n1', ['node'], { facts: { platform: { os: 'linux', architecture: 'arm64' } } })
  const { steps, bytes } = await planned(master, node)
  const own = variant('arm64').layers.map(({ blob }) => blob)
  assert.is(
    bytes.get('n1'),
    own.reduce((sum, { size }) => sum + size, 0),
  )
  await runSteps(
    steps.filter(({ id }) => id === 'rootfs-blobs/n1'),
    [master, node],
  )
  // It asks its peer, which has both platforms, for its own.
  const asked = node.sent.filter(({ command }) => command.includes(' fetch ')).flatMap(({ input }) => hexIn(input))
  assert.equal(asked.sort(), own.map(({ digest }) => digest.replace('sha256:', '')).sort())
})

async function planned(...hosts: readonly FakeHost[]) {
  const receivers = hosts.map(async (view): Promise<KnownHost & { image: PlatformImage }> => {
    const facts = await view.facts()
    return { view, facts, exists: true, image: variant(facts.platform.architecture) }
  })
  return await distributionSteps({
    cluster: 'lab',
    receivers: await Promise.all(receivers),
    store,
    registry: { port: 5000, fallback: 'never' },
    authority: {
      certificate: '',
      pair: async () => ({ certificate: '', key: '' }),
      issue: async () => ({ certificate: '', key: '' }),
    },
    clock: systemClock,
    serve: true,
  })
}

/** Digests in the list of what a host fetches. */
const hexIn = (list: Buffer): readonly string[] => list.toString().match(/\b[0-9a-f]{64}\b/g) ?? []

test.run()
