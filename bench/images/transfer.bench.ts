// Push and pull of an image by sealer and by skopeo: same data, same registry, one run, taking turns.
// Prints seconds, ratio and the largest memory of each; never judges.
//
//   node --import tsx --conditions=@sealer/source bench/images/transfer.bench.ts [--size 1024] [--rounds 3] [--folder /dev/shm]
import { spawnSync } from 'node:child_process'
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { createGzip } from 'node:zlib'
import { startRegistry } from '../../e2e/support/registry.ts'
import { sealImage } from '../../packages/core/src/image/cluster-image.ts'
import { mediaTypes } from '../../packages/core/src/image/oci.ts'
import { amd64, smallPlatform } from '../../packages/core/src/image/small-images.test.support.ts'
import { type LocalStore, openStore } from '../../packages/core/src/image/store.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
  },
})
const MiB = 1024 * 1024
const layersOfImage = 8

interface Measured {
  readonly seconds: number
  /** MiB of the largest resident set. */
  readonly memory: number
}

/** A program under GNU time, which tells its memory. */
function measured(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Measured {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '\n%e %M', program, ...args], options)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  const [seconds = 0, memory = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { seconds, memory: memory / 1024 }
}

const skopeo = (from: string, to: string): Measured =>
  measured('skopeo', [
    ...['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', from, to],
  ])

const bin = join(import.meta.dirname, '../../packages/cli/bin.js')
const sealer = (home: string, ...args: readonly string[]): Measured =>
  measured(process.execPath, [bin, ...args], { SEALER_HOME: home })

/** An image whose layers are random bytes, as those that are compressed well look. */
async function makeImage(store: LocalStore, tag: string, bytes: number, layers: number): Promise<void> {
  const parts = await smallPlatform(store.blobs, amd64)
  const blobs = []
  for (let at = 0; at < layers; at++) {
    const hash = createHash('sha256')
    // Whole gzip, else skopeo compresses it on its way and copies something else.
    const gzip = Readable.from(random(bytes / layers, hash)).pipe(createGzip({ level: 0 }))
    const blob = await store.blobs.put(gzip)
    blobs.push({ blob: { mediaType: mediaTypes.layerGzip, ...blob }, diffId: `sha256:${hash.digest('hex')}` })
  }
  await sealImage(store, { tag, platforms: [{ ...parts, layers: blobs, images: [] }] })
}

function* random(bytes: number, hash: Hash): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= MiB) {
    const piece = randomBytes(Math.min(left, MiB))
    hash.update(piece)
    yield piece
  }
}

/** Each in turn, so that both meet the same moods of the machine. */
async function race(title: string, one: () => Promise<Measured>, other: () => Promise<Measured>): Promise<void> {
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    theirs.push(await other())
    ours.push(await one())
  }
  const median = (all: readonly Measured[]) =>
    all.map(({ seconds }) => seconds).sort((a, b) => a - b)[all.length >> 1] ?? 0
  const most = (all: readonly Measured[]) => Math.round(Math.max(...all.map(({ memory }) => memory)))
  const ratio = (median(ours) / median(theirs)).toFixed(2)
  console.log(
    `${title}: sealer ${median(ours)} s, ${most(ours)} MiB; skopeo ${median(theirs)} s, ${most(theirs)} MiB; ratio ${ratio}`,
  )
}

const world = await mkdtemp(join(values.folder, 'sealer-bench-'))
process.env.TMPDIR = world
const registry = await startRegistry()
try {
  const home = join(world, 'home')
  const store = openStore(join(home, 'store'))
  const name = (repository: string) => `${registry.host}/${repository}:v1`
  const fresh = () => createHash('sha256').update(randomBytes(8)).digest('hex').slice(0, 12)
  const emptied = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
    const folder = join(world, fresh())
    try {
      return await work(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  // A push that finds the blobs in the registry measures nothing: every round has an image of its own.
  const size = Number(values.size) * MiB
  const anew = async (work: () => Measured): Promise<Measured> => {
    await makeImage(store, 'bench:v1', size, layersOfImage)
    return work()
  }
  await race(
    `push ${values.size} MiB`,
    () => anew(() => sealer(home, 'push', 'bench:v1', name(fresh()))),
    () => anew(() => skopeo(`oci:${store.path}:docker.io/library/bench:v1`, `docker://${name(fresh())}`)),
  )
  skopeo(`oci:${store.path}:docker.io/library/bench:v1`, `docker://${name('pull')}`)
  await race(
    `pull ${values.size} MiB`,
    () => emptied(async (folder) => sealer(folder, 'pull', name('pull'))),
    () => emptied(async (folder) => skopeo(`docker://${name('pull')}`, `oci:${folder}:v1`)),
  )
} finally {
  await registry[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
}
