import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gatherBuilt } from './built.ts'
import { buildContext } from './context.ts'
import type { Gathered } from './gathered.ts'
import { gatherOfficial, officialReachable } from './official.ts'
import type { Arch } from './platform.ts'
import { ownArch, parsePlatforms } from './platform.ts'
import type { Release } from './releases.ts'
import { releaseOf, releases } from './releases.ts'

const usage = `Usage: node images/kubernetes/build.mjs [options]

Gathers the parts of the Kubernetes base image and builds it.

  --version VERSION     ${releases.map(({ minor }) => minor).join(', ')} (default 1.34)
  --platform LIST       linux/amd64,linux/arm64 (default: this machine's)
  --source SOURCE       official: release files and registries; built: from Go modules;
                        auto (default): official where its sites can be reached
  --tag NAME            default sealerio/kubernetes:vVERSION
  --context-only        only prepare the build context and print its folder
  --help

Example: node images/kubernetes/build.mjs --version 1.34 --platform linux/amd64,linux/arm64`

const root = join(import.meta.dirname, '..', '..', '..')

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      version: { type: 'string', default: '1.34' },
      platform: { type: 'string', default: `linux/${ownArch()}` },
      source: { type: 'string', default: 'auto' },
      tag: { type: 'string' },
      'context-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const release = releaseOf(values.version)
  const archs = parsePlatforms(values.platform)
  const gathered = await gather(values.source, release, archs)
  const { folder } = await buildContext(release, gathered)
  if (values['context-only']) {
    console.log(folder)
    return 0
  }
  return sealer([
    'build',
    '--no-lock', // the context is made anew each time; versions and checksums are pinned by the release
    ...['-f', join(root, 'images/kubernetes/Kubefile')],
    ...['-t', values.tag ?? `sealerio/kubernetes:v${release.version}`],
    ...['--platform', archs.map((arch) => `linux/${arch}`).join(',')],
    ...['--build-arg', `KUBERNETES_VERSION=v${release.version}`],
    ...['--build-arg', `PARTS_SOURCE=${gathered.source}`],
    folder,
  ])
}

async function gather(source: string, release: Release, archs: readonly Arch[]): Promise<Gathered> {
  if (source === 'official') return gatherOfficial(release, archs)
  if (source === 'built') return gatherBuilt(release, archs)
  if (source !== 'auto') throw new Error(`Unknown source ${source}. Known: auto, official, built.`)
  if (await officialReachable(release)) return gatherOfficial(release, archs)
  console.error('The sites of the official releases cannot be reached from here: building from Go modules.')
  return gatherBuilt(release, archs)
}

/** The checkout's own CLI, with this terminal. */
function sealer(args: readonly string[]): Promise<number> {
  const child = spawn(join(root, 'sealer'), args, { stdio: 'inherit' })
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
