// Builds by sealer beside buildah and skopeo: same data, one run, taking turns. Prints seconds, ratio and the largest memory of each; never judges.
// Needs buildah and skopeo of Debian.
//
//   node --import tsx --conditions=@sealer/source bench/images/build.bench.ts [--rounds 5] [--files 2000] [--folder /dev/shm]
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { startRegistry } from '../../e2e/support/registry.ts'
import { digestOf } from '../../packages/core/src/image/blobs.ts'
import { mediaTypes } from '../../packages/core/src/image/oci.ts'
import { amd64, tarOf } from '../../packages/core/src/image/small-images.test.support.ts'
import { openStore } from '../../packages/core/src/image/store.ts'
import { type Measured, measured, race, sealer } from './race.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    files: { type: 'string', default: '2000' },
    folder: { type: 'string', default: tmpdir() },
  },
})
const rounds = Number(values.rounds)
const images = 20
const world = await mkdtemp(join(values.folder, 'sealer-bench-'))
process.env.TMPDIR = world
const registry = await startRegistry()
try {
  const context = join(world, 'context')
  await makeContext(context)
  const home = join(world, 'home')
  const storage = ['--root', join(world, 'buildah'), '--runroot', join(world, 'run'), '--storage-driver', 'vfs']
  const buildah = () =>
    measured('buildah', [...storage, 'build', '--layers', '-t', 'bench:v1', '-f', join(context, 'Kubefile'), context])
  const build = () => sealer(home, 'build', '-t', 'bench:v1', context)
  const change = () => writeFile(join(context, 'files/d0/f0'), randomBytes(10_000))
  const anew = async (work: () => Promise<Measured>): Promise<Measured> => {
    await change()
    return work()
  }
  await build()
  await buildah()
  const mine = { reference: 'buildah', rounds }
  await race('cached build', build, { ...mine, other: buildah })
  await race('build after one file has changed', () => anew(build), { ...mine, other: () => anew(buildah) })

  const names = await serveImages()
  await writeFile(join(world, 'list'), `${names.join('\n')}\n`)
  const cold = async (work: (folder: string) => Promise<Measured>): Promise<Measured> => {
    const folder = join(world, randomUUID())
    await mkdir(folder)
    try {
      return await work(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  const pack = (folder: string) =>
    sealer(folder, 'build', '-t', 'packed:v1', '--image-list', join(world, 'list'), join(world, 'empty'))
  await mkdir(join(world, 'empty'))
  await writeFile(join(world, 'empty/Kubefile'), 'FROM scratch\nCMDS ["true"]\n')
  const copy = 'skopeo --insecure-policy copy --all --src-tls-verify=false'
  const script = names.map((name, at) => `${copy} docker://${name} oci:$0/layout:${at} || exit 1`).join('\n')
  const copies = (folder: string) => measured('sh', ['-c', script, folder])
  const theirs = { reference: 'skopeo copy, one after the other', rounds, other: () => cold(copies) }
  await race(`cold pack of ${images} images`, () => cold(pack), theirs)
} finally {
  await registry[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
}

async function makeContext(folder: string): Promise<void> {
  for (let at = 0; at < Number(values.files); at++) {
    const place = join(folder, `files/d${at % 50}`)
    if (at < 50) await mkdir(place, { recursive: true })
    await writeFile(join(place, `f${at}`), randomBytes(10_000))
  }
  await mkdir(join(folder, 'large'), { recursive: true })
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(join(folder, 'large', name), randomBytes(16 * 1024 * 1024))
  await writeFile(join(folder, 'Kubefile'), 'FROM scratch\nCOPY large /opt/large/\nCOPY files /opt/files/\n')
}

/** Container images of three layers, of which they share one, as those of one maker do. */
async function serveImages(): Promise<string[]> {
  const { path, blobs } = openStore(join(world, 'upstream'))
  const shared = await tarOf({ base: randomBytes(4 * 1024 * 1024) })
  const manifests = []
  for (let at = 0; at < images; at++) {
    const tars = [shared, await tarOf({ lib: randomBytes(1024 * 1024) }), await tarOf({ app: randomBytes(512 * 1024) })]
    const layers = await Promise.all(
      tars.map(async (tar) => ({ mediaType: mediaTypes.layerGzip, ...(await blobs.put(gzipSync(tar, { level: 1 }))) })),
    )
    const put = async (mediaType: string, value: object) => ({
      mediaType,
      ...(await blobs.put(Buffer.from(JSON.stringify(value)))),
    })
    const rootfs = { type: 'layers', diff_ids: tars.map(digestOf) }
    const config = await put(mediaTypes.imageConfig, { ...amd64, rootfs })
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }
    const annotations = { 'org.opencontainers.image.ref.name': `v${at}` }
    manifests.push({ ...(await put(mediaTypes.manifest, manifest)), annotations })
  }
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  const names: string[] = []
  for (let at = 0; at < images; at++) {
    const name = `${registry.host}/bench/image-${at}:v1`
    const plain = ['--insecure-policy', 'copy', '--dest-tls-verify=false']
    await measured('skopeo', [...plain, `oci:${path}:v${at}`, `docker://${name}`])
    names.push(name)
  }
  return names
}
