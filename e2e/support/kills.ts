import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { gzipSync } from 'node:zlib'
import * as assert from 'uvu/assert'
import { systemClock } from '../../packages/core/src/clock.ts'
import { digestOf } from '../../packages/core/src/image/blobs.ts'
import { closureOf } from '../../packages/core/src/image/closure.ts'
import type { BlobDescriptor, RootfsLayer } from '../../packages/core/src/image/cluster-config.ts'
import { sealImage } from '../../packages/core/src/image/cluster-image.ts'
import { mediaTypes } from '../../packages/core/src/image/oci.ts'
import { amd64, smallPlatform, tarOf } from '../../packages/core/src/image/small-images.test.support.ts'
import { type LocalStore, openStore } from '../../packages/core/src/image/store.ts'
import { createImages } from '../../packages/core/src/images.ts'
import { silentLogger } from '../../packages/core/src/logger.ts'
import { createSecrets } from '../../packages/core/src/secrets.ts'
import { type Registry, startRegistry, startRelay } from './registry.ts'
import { ended } from './run-tool.ts'

const MiB = 1024 * 1024
/** Answers of a registry beside the bytes of blobs: headers, and manifests that are asked for again. */
const overhead = 128 * 1024
/** Milliseconds in which a command is done after its last byte has moved. */
const nameGiving = 600
const bin = join(import.meta.dirname, '../../packages/cli/bin.js')

/** What is killed and tried again. */
export type Killed = 'build' | 'pull' | 'push' | 'load'

/** A registry behind a slow relay that counts, an image in it, and commands on it that can be killed. */
export interface KillLab extends AsyncDisposable {
  /**
   * Kills a command with SIGKILL, tries it again, and compares what is there and what has moved. Up to 0.8 the moment is a part of the bytes, beyond
   * that the time after them, when names are given. Gives whether something was done, and not all.
   */
  kill(what: Killed, moment: number): Promise<boolean>
}

/** A command that can be begun again and again in a world of its own. */
interface Attempted {
  readonly home: string
  readonly args: readonly string[]
  /** Archive that is handed over slowly. */
  readonly stdin?: string
  /** Bytes that it moves. */
  readonly bytes: number
  /** Bytes that have moved, over the relay or to its standard input. */
  moved(): number
  /** Bytes that still have to move. */
  lacking(): Promise<number>
  /** Digest that the end must have. */
  readonly digest?: string
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of this run; printed, and taken from `SEALER_TEST_SEED` to see the same again. */
export function seedOfRun(): number {
  const seed = Number(process.env.SEALER_TEST_SEED ?? randomBytes(4).readUInt32LE())
  console.log(`seed ${seed}; the same moments again: SEALER_TEST_SEED=${seed}`)
  return seed
}

export async function openKillLab(): Promise<KillLab> {
  const world = await mkdtemp(join(tmpdir(), 'sealer-kills-'))
  const registry = await startRegistry()
  const relay = await startRelay(registry.host, MiB)
  const home = join(world, 'home')
  const store = openStore(join(home, 'store'))
  const parts = await smallPlatform(store.blobs, amd64)
  const layers = await Promise.all([0.2, 0.4, 0.6, 1.2].map((size) => randomLayer(store, size * MiB)))
  const { digest } = await sealImage(store, { tag: 'app:v1', platforms: [{ ...parts, layers }] })
  const images = createImages({ home, secrets: createSecrets(), logger: silentLogger, clock: systemClock })
  await images.push('app:v1', `${registry.host}/kills/app:v1`)
  const archive = join(world, 'app.tar')
  await images.save('app:v1', archive)
  const context = join(world, 'context')
  await makeContext(context, `${relay.host}/kills/app:v1`)
  const blobs = [...(await closureOf(store.blobs, await store.find('app:v1'), 'app:v1')).here.values()]

  const bytes = sizeOf(blobs)
  let count = 0
  const attempt = (what: Killed): Attempted => {
    const own = join(world, `${what}-${++count}`)
    const name = `${relay.host}/kills/app:v1`
    const fetched = { home: own, bytes, moved: relay.received, lacking: () => lackingIn(own, blobs) }
    if (what === 'pull') return { ...fetched, args: ['pull', name], digest }
    if (what === 'build') return { ...fetched, args: ['build', '-t', 'built:v1', context] }
    if (what === 'load') return { ...fetched, args: ['load', '-'], stdin: archive, moved: () => 0, digest }
    const target = `kills/push-${count}`
    const lacking = () => lackingThere(registry, target, blobs)
    return { home, args: ['push', 'app:v1', `${relay.host}/${target}:v1`], bytes, moved: relay.sent, lacking, digest }
  }

  return {
    kill: async (what, moment) => {
      const one = attempt(what)
      await killed(one, moment)
      relay.cut() // bytes of the dead that are still on their way move no more
      await pause(100)
      await proveStore(one.home)
      const before = { lacking: await one.lacking(), moved: one.moved(), blobs: await blobFiles(one.home) }
      await finish(one)
      const again = one.moved() - before.moved
      assert.ok(again <= before.lacking + overhead, `${again} bytes moved, ${before.lacking} were missing`)
      const after = await blobFiles(one.home)
      for (const [blob, inode] of before.blobs) assert.is(after.get(blob), inode, `${blob} was written again`)
      await proveStore(one.home)
      if (one.home !== home) await rm(one.home, { recursive: true, force: true })
      const all = what === 'push' ? before.lacking === 0 : after.size === before.blobs.size
      return before.lacking < bytes && !all
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
      await rm(world, { recursive: true, force: true })
    },
  }
}

const sizeOf = (blobs: readonly BlobDescriptor[]): number => blobs.reduce((sum, { size }) => sum + size, 0)

function start({ home, args, stdin }: Attempted, fed = (_bytes: number) => {}): ChildProcess {
  const env = { ...process.env, SEALER_HOME: home, NO_COLOR: '1' }
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin?.on('error', () => {}) // it was killed
  if (stdin === undefined) child.stdin?.end()
  else if (child.stdin)
    createReadStream(stdin, { highWaterMark: 64 * 1024 })
      .pipe(slow(20, fed))
      .pipe(child.stdin)
  return child
}

/** Lets each piece wait, and counts. */
const slow = (milliseconds: number, fed: (bytes: number) => void): Transform =>
  new Transform({
    highWaterMark: 1,
    transform: (piece: Buffer, _encoding, done) => {
      fed(piece.length)
      setTimeout(() => done(null, piece), milliseconds)
    },
  })

async function killed(one: Attempted, moment: number): Promise<void> {
  const begun = one.moved()
  let fed = 0
  const child = start(one, (bytes) => {
    fed += bytes
  })
  let over = false
  const exited = once(child, 'exit').then(() => {
    over = true
  })
  const part = () => (one.moved() - begun + fed) / one.bytes
  while (!over && part() < Math.min(1, moment / 0.8)) await pause(2)
  if (moment > 0.8) await Promise.race([exited, pause((moment - 0.8) * 5 * nameGiving)])
  child.kill('SIGKILL')
  await exited
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function finish(one: Attempted): Promise<void> {
  const { code, stdout, stderr } = await ended(start(one))
  assert.is(code, 0, `${one.args.join(' ')}: ${stdout}${stderr}`)
  if (one.digest !== undefined) assert.match(stdout, one.digest)
}

/** No blob is taken for whole that is not, and each name points at an image that can be used. */
async function proveStore(home: string): Promise<void> {
  const store = openStore(join(home, 'store'))
  for (const [hex] of await blobFiles(home)) {
    const digest = createHash('sha256').update(await readFile(store.blobs.path(`sha256:${hex}`)))
    assert.is(digest.digest('hex'), hex)
  }
  for (const image of await store.list()) {
    assert.ok(image.platforms.length > 0, `${image.reference} cannot be used`)
    for (const platform of image.platforms) await store.platform(image, platform)
  }
}

/** Names and inodes of whole blobs. */
async function blobFiles(home: string): Promise<ReadonlyMap<string, number>> {
  const folder = join(home, 'store/blobs/sha256')
  const names = await readdir(folder).catch(() => [])
  return new Map(await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).ino] as const)))
}

/** Bytes of blobs that a home has neither whole nor in part. */
async function lackingIn(home: string, blobs: readonly BlobDescriptor[]): Promise<number> {
  let bytes = 0
  for (const { digest, size } of blobs) {
    const hex = digest.slice('sha256:'.length)
    const whole = await stat(join(home, 'store/blobs/sha256', hex)).catch(() => undefined)
    const part = await stat(join(home, 'store/partial', hex)).catch(() => undefined)
    if (whole === undefined) bytes += size - Math.min(size, part?.size ?? 0)
  }
  return bytes
}

/** Bytes of blobs that a repository of the registry does not have. */
async function lackingThere({ host }: Registry, repository: string, blobs: readonly BlobDescriptor[]): Promise<number> {
  let bytes = 0
  for (const { digest, size } of blobs) {
    const { status } = await fetch(`http://${host}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' })
    if (status !== 200) bytes += size
  }
  return bytes
}

async function makeContext(folder: string, base: string): Promise<void> {
  await mkdir(join(folder, 'files'), { recursive: true })
  await writeFile(join(folder, 'Kubefile'), `FROM ${base}\nCOPY one /opt/\nCOPY two /opt/\nCOPY files /opt/files/\n`)
  for (const name of ['one', 'two', 'files/three']) await writeFile(join(folder, name), randomBytes(MiB))
}

async function randomLayer({ blobs }: LocalStore, bytes: number): Promise<RootfsLayer> {
  const tar = await tarOf({ [`bin/${randomBytes(4).toString('hex')}`]: randomBytes(bytes) })
  return { blob: { mediaType: mediaTypes.layerGzip, ...(await blobs.put(gzipSync(tar))) }, diffId: digestOf(tar) }
}
