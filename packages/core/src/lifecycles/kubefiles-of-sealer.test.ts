import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { digestOf } from '../image/blobs.ts'
import { annotations, mediaTypes } from '../image/oci.ts'
import { registryDouble } from '../image/registry-double.test.support.ts'
import { amd64, arm64 } from '../image/small-images.test.support.ts'
import { serve, workplace } from './build.test.support.ts'

/** A Kubefile with what sealer 0.11.0 said of it, and what is said here. */
interface Case {
  readonly id: string
  readonly about: string
  readonly kubefile: string
  readonly flags: readonly string[]
  /** What it said, or what it made where it accepted the file. */
  readonly original: { readonly exitCode: number; readonly says?: string; readonly files?: readonly string[] }
  /** Why it cannot be tried here, e.g. since the command line refuses it before any Kubefile is read. */
  readonly elsewhere?: string
  readonly ours?: Said
}

type Said =
  | { readonly says: string; readonly try: string }
  | {
      /** What each layer is made by. */
      readonly layers: readonly string[]
      readonly env?: Readonly<Record<string, string>>
      readonly launch: readonly string[]
      readonly images: readonly string[]
    }

const test = suite('Kubefiles with what sealer 0.11 said')
const data = join(import.meta.dirname, 'testdata/sealer-0.11')
const cases: readonly Case[] = JSON.parse(await readFile(join(data, 'kubefiles.json'), 'utf8'))
const pinned = 'sha256:12198e83507440d7bbb068728419b3003496e4deda62532326c182e2de6d2677'

/** The registry of the fixtures; images without the foreign platform as they are there. */
async function registryOfFixtures() {
  const registry = await registryDouble()
  for (const [name, tag] of [
    ['hello', '1.0'],
    ['worker', '1.0'],
    ['appimg', '1.0'],
    ['amdonly', '1.0'],
    ['chartapp', '2.0'],
    ['listed', 'latest'],
  ] as const)
    await serve(registry, `demo/${name}`, tag)
  const digest = await serve(registry, 'demo/pinned', '1.0')
  const manifest = {
    mediaType: mediaTypes.manifest,
    digest,
    size: registry.manifests.get('demo/pinned:1.0')?.bytes.length,
  }
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [{ ...manifest, platform: amd64 }] }),
  )
  for (const name of ['1.0', digestOf(bytes)])
    registry.manifests.set(`demo/amdindex${name.includes(':') ? '@' : ':'}${name}`, {
      mediaType: mediaTypes.index,
      bytes,
    })
  registry.manifests.set(`demo/amdindex@${digest}`, registry.manifests.get('demo/pinned:1.0') as never)
  return { registry, digest }
}

const fixtures = registryOfFixtures()
const place = fixtures.then(async ({ registry, digest }) => {
  const made = await workplace({})
  const { folder } = made.context
  await cp(join(data, 'context'), folder, { recursive: true })
  for (const name of await readdir(folder, { recursive: true })) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    const local = text?.replaceAll('hub.example:5099', registry.host).replace(pinned, digest)
    if (local !== undefined && local !== text) await writeFile(join(folder, name), local)
  }
  const bases = {
    clusterimage: 'FROM scratch\nAPP cni local://ops\nLAUNCH cni\n',
    appimage:
      'FROM scratch\nAPP mix local://mixed\nAPPCMDS mix ["bash","install.sh"]\nAPP web local://ops\nLAUNCH web\n',
    cmds: 'FROM scratch\nCMDS ["echo hi"]\n',
  }
  for (const [name, kubefile] of Object.entries(bases)) {
    await writeFile(join(folder, 'Kubefile'), kubefile)
    await made.build({ tag: `example.test/demo/${name}:v1` })
  }
  return made
})
test.after(async () => {
  await (await place)[Symbol.asyncDispose]()
  await (await fixtures).registry[Symbol.asyncDispose]()
})

async function saidOf({ kubefile, flags }: Case): Promise<Said> {
  const { registry, digest } = await fixtures
  const { context, build, inspect } = await place
  const back = (text: string) =>
    text
      .replaceAll(registry.host, 'hub.example:5099')
      .replaceAll(digest, pinned)
      .replaceAll(context.folder, '<context>')
  await writeFile(join(context.folder, 'Kubefile'), kubefile.replaceAll('hub.example:5099', registry.host))
  const after = (flag: string) => flags[flags.indexOf(flag) + 1]
  const platform = flags.includes('--platform') ? arm64 : amd64
  const list = flags.includes('--image-list') ? after('--image-list') : undefined
  try {
    const report = await build({
      file: join(context.folder, 'Kubefile'),
      platforms: [platform],
      ...(list !== undefined && { imageList: join(context.folder, list) }),
    })
    const { config, layers } = await inspect(report, platform)
    return {
      layers: layers.map(({ blob }) => blob.annotations?.[annotations.createdBy] ?? ''),
      ...(Object.keys(config.env).length > 0 && { env: config.env }),
      launch: [...config.launch, ...config.cmds],
      images: report.images.map(back),
    }
  } catch (error) {
    if (!SealerError.is(error)) throw error
    const all = [error, ...error.problems]
    return { says: back(all.map(({ message }) => message).join('\n')), try: back(error.hint) }
  }
}

for (const one of cases) {
  if (one.elsewhere !== undefined) continue
  test(`${one.id} ${one.about}`, async () => {
    const path = process.env.PATH
    if (one.kubefile.includes('chart')) process.env.PATH = '/nowhere' // the machine may have a helm
    const said = await saidOf(one)
    process.env.PATH = path
    assert.equal(said, one.ours)
  })
}

test.run()
