import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../../scripts/folders.mjs'
import { goBinary } from '../../scripts/go-toolchain.mjs'
import { ended, type Outcome, succeeded } from './run-tool.ts'

const version = 'v2.6.5'

/** The real cosign, of its Go module: compiled once (minutes, 1.5 GB of modules), then kept in the cache folder. */
export async function cosignProgram(): Promise<string> {
  const tools = join(cacheFolder(), 'tools')
  const folder = join(tools, `cosign-${version}`)
  if (!existsSync(join(folder, 'cosign'))) await compile(tools, folder)
  return join(folder, 'cosign')
}

async function compile(tools: string, folder: string): Promise<void> {
  await mkdir(tools, { recursive: true })
  const draft = await mkdtemp(`${folder}.`)
  console.log(`Compiling cosign ${version}; it is kept in ${folder}`)
  const env = {
    ...process.env,
    GOBIN: draft,
    GOCACHE: join(cacheFolder(), 'go-build'),
    GOMODCACHE: join(cacheFolder(), 'go-mod'),
    GOTOOLCHAIN: 'local',
    GOFLAGS: '',
    CGO_ENABLED: '0',
  }
  const args = ['install', '-trimpath', '-ldflags=-s -w', `github.com/sigstore/cosign/v2/cmd/cosign@${version}`]
  try {
    const go = await goBinary((text: string) => console.log(text))
    succeeded(
      `go ${args.join(' ')}`,
      await ended(spawn(go, args, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })),
    )
    await rm(folder, { recursive: true, force: true })
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Runs cosign, its keys' password `pa55word`, with a home of its own and nothing of the network but registries on this machine. */
export async function cosign(
  home: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const env = { PATH: process.env.PATH, HOME: home, COSIGN_PASSWORD: 'pa55word', TUF_ROOT: join(home, 'tuf'), ...more }
  return await ended(spawn(await cosignProgram(), args, { env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] }))
}
