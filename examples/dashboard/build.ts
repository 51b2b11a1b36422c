// Builds the two container images of the dashboard into build/images and then the app image.
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { contentKey } from '../../images/kubernetes/src/cache.ts'
import { findGo, goEnvironment } from '../../images/kubernetes/src/go.ts'
import type { ImageRecipe } from '../../images/kubernetes/src/oci-layout.ts'
import { writeLayout } from '../../images/kubernetes/src/oci-layout.ts'
import type { Arch } from '../../images/kubernetes/src/platform.ts'
import { ownArch, parsePlatforms } from '../../images/kubernetes/src/platform.ts'
import { run } from '../../images/kubernetes/src/run.ts'

const usage = `Usage: node examples/dashboard/build.mjs [options]

Builds the dashboard's container images and the app image on top of the Kubernetes base image.

  --platform LIST   linux/amd64,linux/arm64 (default: this machine's)
  --base IMAGE      default sealerio/kubernetes:v1.34.4
  --tag NAME        default dashboard:v1
  --images-only     only write the container images, into build/images
  --help`

const home = import.meta.dirname
const tiers = ['web', 'store'] as const

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      platform: { type: 'string', default: `linux/${ownArch()}` },
      base: { type: 'string', default: 'sealerio/kubernetes:v1.34.4' },
      tag: { type: 'string', default: 'dashboard:v1' },
      'images-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const archs = parsePlatforms(values.platform)
  await buildImages(archs)
  if (values['images-only']) return 0
  return sealer([
    ...['build', '--no-lock', '-f', join(home, 'Kubefile'), '-t', values.tag],
    ...['--platform', archs.map((arch) => `linux/${arch}`).join(',')],
    ...['--build-arg', `BASE=${values.base}`],
    home,
  ])
}

/** Safe to repeat: nothing is done while sources, compiler and platforms are those of the last time. */
async function buildImages(archs: readonly Arch[]): Promise<void> {
  const go = await findGo()
  const key = contentKey({ archs, go: go.version, sources: await sources() })
  const folder = join(home, 'build')
  const done = await readFile(join(folder, 'key'), 'utf8').catch(() => undefined)
  if (done === key) return
  await rm(folder, { recursive: true, force: true })
  const recipes = new Map<Arch, readonly ImageRecipe[]>()
  for (const arch of archs) {
    const programs = join(folder, 'programs', arch)
    await mkdir(programs, { recursive: true })
    const env = goEnvironment({ GOARCH: arch, CGO_ENABLED: '0' })
    const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w']
    for (const tier of tiers)
      await run(go.program, ['build', ...flags, '-o', join(programs, tier)], { cwd: join(home, tier), env })
    recipes.set(
      arch,
      tiers.map((tier) => recipe(tier, join(programs, tier))),
    )
  }
  await writeLayout(join(folder, 'images'), recipes)
  await writeFile(join(folder, 'key'), key) // last: without it the next build begins anew
}

function recipe(tier: string, program: string): ImageRecipe {
  return {
    name: `sealer.example/dashboard/${tier}:1.0`,
    layers: [{ [tier]: { kind: 'file', source: program, mode: 0o755 } }],
    entrypoint: [`/${tier}`],
    user: '65532:65532',
  }
}

async function sources(): Promise<string[]> {
  const names = await Promise.all(
    tiers.map((tier) => readdir(join(home, tier), { recursive: true, withFileTypes: true })),
  )
  const files = names.flat().filter((entry) => entry.isFile() && !entry.name.endsWith('_test.go'))
  const paths = [import.meta.filename, ...files.map((entry) => join(entry.parentPath, entry.name))].sort()
  return Promise.all(paths.map(async (path) => `${path}\n${await readFile(path, 'utf8')}`))
}

/** The checkout's own CLI, with this terminal. */
function sealer(args: readonly string[]): Promise<number> {
  const child = spawn(join(home, '..', '..', 'sealer'), args, { stdio: 'inherit' })
  return new Promise((ended, failed) => {
    child.on('error', failed)
    child.on('close', (code) => ended(code ?? 1))
  })
}

try {
  process.exitCode = await main()
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure)
  process.exitCode = 1
}
