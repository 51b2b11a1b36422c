import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ended, succeeded } from './run-tool.ts'

const root = join(import.meta.dirname, '../..')

/** Where cluster images for tests are kept from one run to the next: a home with nothing but a store, a cache. */
export const imagesHome = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealer', 'e2e')

/**
 * Builds the Kubernetes base image, and gives its name. A second or two when nothing has changed.
 * @param platforms this machine's own when nothing is said; others have a name of their own
 */
export async function buildBase(version = '1.34', platforms: readonly string[] = []): Promise<string> {
  const tag = `sealerio/kubernetes:${version}-${platforms.join('-').replaceAll('linux/', '')}`
  const further = platforms.length === 0 ? [] : ['--platform', platforms.join(','), '--tag', tag]
  return await build('images/kubernetes/build.mjs', '--version', version, ...further)
}

/** Builds the dashboard on the base image of 1.34, and gives its name. */
export async function buildDashboard(): Promise<string> {
  const base = await buildBase()
  return await build('examples/dashboard/build.mjs', '--base', base)
}

async function build(script: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, SEALER_HOME: imagesHome, NO_COLOR: '1' }
  const child = spawn(process.execPath, [join(root, script), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const outcome = await ended(child)
  const output = succeeded(script, outcome)
  const name = /^Built (\S+) for /m.exec(`${output}\n${outcome.stderr}`)?.[1]
  if (name === undefined) throw new Error(`${script} does not say what it built:\n${output}\n${outcome.stderr}`)
  return name
}

/** The build context of the base image, where its container images lie as they came. */
export async function baseContext(): Promise<string> {
  const child = spawn(process.execPath, [join(root, 'images/kubernetes/build.mjs'), '--context-only'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return succeeded('images/kubernetes/build.mjs --context-only', await ended(child)).trim()
}
