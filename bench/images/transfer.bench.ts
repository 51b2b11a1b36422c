// Push and pull of an image by sealer and by skopeo: same data, same registry, one run, taking turns.
// Prints seconds, ratio and the largest memory of each; never judges.
//
//   node --import tsx --conditions=@sealer/source bench/images/transfer.bench.ts [--size 1024] [--rounds 3] [--folder /dev/shm]
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
import { type Measured, measured, race, sealer } from './race.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
  },
})
const MiB = 1024 * 1024
const layersOfImage = 8

const skopeo = (from: string, to: string) =>
  measured('skopeo', [
    ...['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', from, to],
  ])

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

const against = (other: () => Promise<Measured>) => ({ reference: 'skopeo', other, rounds: Number(values.rounds) })

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
  const anew = async (work: () => Promise<Measured>): Promise<Measured> => {
    await makeImage(store, 'bench:v1', size, layersOfImage)
    return work()
  }
  await race(
    `push ${values.size} MiB`,
    () => anew(() => sealer(home, 'push', 'bench:v1', name(fresh()))),
    against(() => anew(() => skopeo(`oci:${store.path}:docker.io/library/bench:v1`, `docker://${name(fresh())}`))),
  )
  await skopeo(`oci:${store.path}:docker.io/library/bench:v1`, `docker://${name('pull')}`)
  await race(
    `pull ${values.size} MiB`,
    () => emptied(async (folder) => sealer(folder, 'pull', name('pull'))),
    against(() => emptied(async (folder) => skopeo(`docker://${name('pull')}`, `oci:${folder}:v1`))),
  )
} finally {
  await registry[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
}
