// Finds a Go that is new enough, or fetches one as the Go module golang.org/toolchain: Debian's Go is too old to build the
// parts of a base image, but every Go since 1.19 can fetch modules. Plain Node, no dependencies.
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './folders.mjs'

const run = promisify(execFile)

/** The oldest Go that builds the parts, as [major, minor]. */
const needed = [1, 26]
/** The oldest Go that can fetch another one. */
const fetcher = [1, 19]
const version = 'go1.26.8'
/** Hashes of the toolchain's module, as go.sum would hold them: no checksum database has to be reachable. */
const sums = {
  x64: { name: 'linux-amd64', sum: 'h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=' },
  arm64: { name: 'linux-arm64', sum: 'h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=' },
}
const places = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go']

/**
 * The path of a Go program that is new enough: the first of PATH and the usual places, else the one in our cache, else
 * one that is fetched now (70 MB).
 * @param {(text: string) => void} [log]
 * @returns {Promise<string>}
 * @throws if there is none and none can be fetched; the message says what to do
 */
export async function goBinary(log = () => {}) {
  const present = await goPrograms()
  const fit = present.find((go) => atLeast(go.version, needed))
  if (fit !== undefined) return fit.program
  const folder = join(cacheFolder(), 'tools', version)
  const program = join(folder, 'bin/go')
  if ((await versionOf(program)) !== undefined) return program
  const old = present.find((go) => atLeast(go.version, fetcher))
  if (old === undefined) {
    throw new Error(
      `Go >= ${needed.join('.')} is needed and there is none, nor one >= ${fetcher.join('.')} that could fetch it. ` +
        'Try: apt-get install golang-go, or put a newer Go on PATH.',
    )
  }
  log(`Fetching ${version} with ${old.program} (70 MB)`)
  await fetchToolchain(old.program, folder)
  return program
}

/** Says whether a Go that is new enough is here already, so that nothing has to be fetched. */
export async function hasGo() {
  const cached = await versionOf(join(cacheFolder(), 'tools', version, 'bin/go'))
  return cached !== undefined || (await goPrograms()).some((go) => atLeast(go.version, needed))
}

/** Says whether there is any Go that can fetch a newer one. */
export async function canFetchGo() {
  return (await goPrograms()).some((go) => atLeast(go.version, fetcher))
}

/**
 * Why Go modules cannot be fetched here, as far as it can be told: what goes through an HTTP proxy is left to Go.
 * @returns {Promise<string | undefined>}
 */
export async function goProxyProblem() {
  if (process.env.HTTPS_PROXY || process.env.https_proxy) return undefined
  const url = (process.env.GOPROXY || 'https://proxy.golang.org').split(/[,|]/)[0] ?? ''
  if (!url.startsWith('http')) return undefined // direct, off, a folder
  try {
    await fetch(`${url}/golang.org/toolchain/@v/list`, { method: 'HEAD', signal: AbortSignal.timeout(20_000) })
    return undefined
  } catch {
    return `The Go module proxy ${url} cannot be reached. Try: set GOPROXY to one that is allowed here.`
  }
}

async function goPrograms() {
  const found = []
  for (const place of places) {
    const version = await versionOf(place)
    if (version === undefined) continue
    const { stdout } = await go(place, ['env', 'GOROOT'])
    found.push({ program: join(stdout.trim(), 'bin/go'), version })
  }
  return found
}

/** @param {string} program */
async function versionOf(program) {
  try {
    const { stdout } = await go(program, ['env', 'GOVERSION'])
    return stdout.trim()
  } catch {
    return undefined // not there, or it does not run
  }
}

/**
 * @param {string} version like go1.26.8, go1.27rc1 or devel …
 * @param {readonly number[]} floor
 */
function atLeast(version, [major = 0, minor = 0]) {
  const [, haveMajor = '0', haveMinor = '0'] = /^go(\d+)\.(\d+)/.exec(version) ?? []
  return Number(haveMajor) > major || (Number(haveMajor) === major && Number(haveMinor) >= minor)
}

/**
 * @param {string} program
 * @param {string} folder
 */
async function fetchToolchain(program, folder) {
  const platform = process.arch === 'x64' || process.arch === 'arm64' ? sums[process.arch] : undefined
  if (platform === undefined)
    throw new Error(`There is no Go toolchain for ${process.arch}: put Go >= ${needed.join('.')} on PATH.`)
  const modules = `${folder}.${process.pid}`
  try {
    await mkdir(modules, { recursive: true })
    const module = `golang.org/toolchain@v0.0.1-${version}.${platform.name}`
    const { stdout } = await go(program, ['mod', 'download', '-json', module], {
      GOMODCACHE: modules,
      GOFLAGS: '-modcacherw',
      GONOSUMDB: 'golang.org/toolchain', // the sum is compared below
    }).catch((cause) => {
      throw new Error(
        `Cannot fetch ${module} from ${process.env.GOPROXY || 'the Go module proxy'}: ${reasonOf(cause)}. Try: set GOPROXY to a proxy that can be reached, or put Go >= ${needed.join('.')} on PATH.`,
        { cause },
      )
    })
    const { Dir: unpacked, Sum: sum } = JSON.parse(stdout)
    if (sum !== platform.sum)
      throw new Error(
        `${module} has the hash ${sum}, but ${platform.sum} is expected: the proxy hands out something else.`,
      )
    for (const programs of ['bin', `pkg/tool/${platform.name.replace('-', '_')}`])
      await makeExecutable(join(unpacked, programs))
    await rm(folder, { recursive: true, force: true })
    await rename(unpacked, folder)
  } finally {
    await rm(modules, { recursive: true, force: true })
  }
}

/** Modules carry no execute bits. @param {string} folder */
async function makeExecutable(folder) {
  for (const name of await readdir(folder)) await chmod(join(folder, name), 0o755)
}

/** Go tells why in its answer, not on stderr. @param {unknown} error */
function reasonOf(error) {
  const { stdout, stderr, message } = /** @type {{ stdout?: string, stderr?: string, message: string }} */ (error)
  try {
    return JSON.parse(stdout ?? '').Error
  } catch {
    return (stderr?.trim() || message).split('\n').at(-1)
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function go(program, args, env = {}) {
  return await run(program, args, {
    cwd: '/',
    env: { ...process.env, GOTOOLCHAIN: 'local', ...env },
    maxBuffer: 16 * 1024 * 1024,
  })
}
