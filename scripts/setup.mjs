// Sets up a checkout on a Debian machine that has Node and npm alone. Plain Node, no dependencies.
//
// What it brings: Debian packages, pnpm (below the cache folder, not globally), the workspace's packages, the built
// command, and Go. No daemon of a package that it installs is started or enabled.
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { promisify } from 'node:util'
import { cacheFolder, checkout } from './folders.mjs'
import { canFetchGo, goBinary, goProxyProblem, hasGo } from './go-toolchain.mjs'

const run = promisify(execFile)

/** Debian packages that making and running clusters needs. */
const basePackages = [
  ...['systemd-container', 'mmdebstrap', 'openssh-client', 'iproute2', 'nftables', 'util-linux', 'busybox-static'],
  ...['gcc', 'libc6-dev', 'pkg-config', 'xz-utils', 'ca-certificates'],
]
/** What tests need beside them: a real registry, a real sshd, and independent readers of images. */
const testPackages = [
  ...['docker-registry', 'openssh-server', 'skopeo', 'umoci'],
  ...['bubblewrap', 'slirp4netns', 'attr', 'libcap2-bin'], // the sandbox of RUN
  ...['bzip2', 'zstd'], // archives that are added
  'qemu-user-static', // programs for arm64
  'time', // memory of a command
]

/** One thing that is missing here and that the set-up brings. */
/** @typedef {{ title: string, megabytes: number, minutes: number }} Missing */
/** @typedef {{ packages: readonly string[], pnpm: boolean, workspace: boolean, go: boolean, debianGo: boolean }} Needs */
/**
 * @typedef {object} SetUp
 * @property {boolean} [yes] do not ask
 * @property {boolean} [tests] bring what the tests need, too
 * @property {readonly Missing[]} [further] what the caller will make afterwards, so that it is said and asked for once
 */

/** Something is missing that the set-up cannot bring. The message is for the person at the terminal. */
export class SetUpError extends Error {}

/**
 * Brings what is missing, after saying what and how much it is. Does nothing, within seconds, where all is there.
 * @param {SetUp} options
 * @returns {Promise<NodeJS.ProcessEnv>} the environment for everything that is run afterwards: pnpm and Go are on its PATH
 * @throws {SetUpError}
 */
export async function setUp({ yes = false, tests = false, further = [] }) {
  const pnpm = await pnpmFolder()
  const needs = await findNeeds(tests ? [...basePackages, ...testPackages] : basePackages, pnpm)
  const scratch = await mkdtemp(join(tmpdir(), 'sealer-set-up-'))
  try {
    const { problems, debianMegabytes } = await lookAround(needs, scratch, further)
    if (problems.length > 0) throw new SetUpError(problems.map((problem) => `✗ ${problem}`).join('\n'))
    await agree([...missing(needs, debianMegabytes), ...further], yes)
    if (needs.packages.length > 0) await installPackages(needs.packages, scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  if (needs.pnpm) await installPnpm(pnpm.folder)
  const go = dirname(await goBinary(say))
  const env = environment([pnpm.folder === undefined ? '' : join(pnpm.folder, 'node_modules/.bin'), go])
  await installWorkspace(env)
  return env
}

/** @param {string} text */
const say = (text) => console.log(`· ${text}`)

// --- what is there ---

async function pnpmFolder() {
  const { packageManager } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  const version = packageManager.replace('pnpm@', '')
  const onPath = await output('pnpm', ['--version'], { cwd: '/' })
  return onPath === version ? { version } : { version, folder: join(cacheFolder(), 'tools', `pnpm-${version}`) }
}

/**
 * @param {readonly string[]} packages
 * @param {{ folder?: string }} pnpm
 * @returns {Promise<Needs>}
 */
async function findNeeds(packages, pnpm) {
  const go = !(await hasGo())
  const debianGo = go && !(await canFetchGo())
  const listed = await output('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n'])
  const installed = new Set(
    listed.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])),
  )
  return {
    packages: [...packages, ...(debianGo ? ['golang-go'] : [])].filter((name) => !installed.has(name)),
    pnpm: pnpm.folder !== undefined && !existsSync(join(pnpm.folder, 'node_modules/.bin/pnpm')),
    workspace: !existsSync(join(checkout, 'node_modules/.modules.yaml')),
    go,
    debianGo,
  }
}

/**
 * Everything that stands in the way, found before anything is changed.
 * @param {Needs} needs
 * @param {string} scratch
 * @param {readonly Missing[]} further
 */
async function lookAround(needs, scratch, further) {
  const problems = []
  if (!nodeFits())
    problems.push(`Node >= 20.19 is needed; this is ${process.version}. Try: a newer one from Debian 13 or nodejs.org.`)
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    problems.push(`Linux on x86-64 or arm64 is needed; this is ${process.platform} on ${process.arch}.`)
    return { problems, debianMegabytes: 0 }
  }
  if (process.getuid?.() !== 0)
    problems.push('root is needed: hosts are made as systemd-nspawn machines. Try: sudo -E npm run quickstart.')
  const debian = isDebian()
  if (!debian)
    problems.push('A Debian 12 or newer machine is needed (/etc/os-release says otherwise, or apt-get is missing).')
  problems.push(...diskProblems(missing(needs, 0).concat(further)))

  let debianMegabytes = 0
  if (needs.packages.length > 0 && debian) {
    const found = await debianDownload(needs.packages, scratch)
    if (typeof found === 'string') problems.push(found)
    else debianMegabytes = found.megabytes
  }
  if (needs.pnpm || needs.workspace) {
    const asked = [
      'view',
      'pnpm',
      'name',
      '--cache',
      join(scratch, 'npm'),
      '--fetch-retries=0',
      '--fetch-timeout=20000',
    ]
    if ((await output('npm', asked)) !== 'pnpm') {
      const registry = await output('npm', ['config', 'get', 'registry'])
      problems.push(
        `The npm registry ${registry} cannot be reached. Try: npm config set registry or proxy to what is allowed here.`,
      )
    }
  }
  if (needs.go || further.length > 0) {
    const problem = await goProxyProblem()
    if (problem !== undefined) problems.push(problem)
  }
  return { problems, debianMegabytes }
}

function nodeFits() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
}

function isDebian() {
  const file = '/etc/os-release'
  const release = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release) && existsSync('/usr/bin/apt-get')
}

/** @param {readonly Missing[]} parts */
function diskProblems(parts) {
  const gigabytes = parts.reduce((sum, { megabytes }) => sum + megabytes, 0) / 1000
  let folder = cacheFolder()
  while (!existsSync(folder)) folder = dirname(folder)
  const { bavail, bsize } = statfsSync(folder)
  const free = (bavail * bsize) / 1e9
  if (free >= gigabytes * 1.2) return []
  return [
    `${gigabytes.toFixed(1)} GB will be written below ${cacheFolder()}, but only ${free.toFixed(1)} GB are free. ` +
      'Try: free some, or set SEALER_CACHE and SEALER_HOME to a larger disk.',
  ]
}

/**
 * What apt would fetch, with folders of our own: the lists are fresh, and those of the machine stay as they are.
 * @param {readonly string[]} packages
 * @param {string} scratch
 * @returns {Promise<{ megabytes: number } | string>} a text says why not
 */
async function debianDownload(packages, scratch) {
  for (const folder of ['lists', 'archives']) await mkdir(join(scratch, folder, 'partial'), { recursive: true })
  await run('apt-get', [...aptOptions(scratch), '-qq', 'update']).catch(() => undefined) // a foreign source may be down
  const plan = await output('apt-get', [
    ...aptOptions(scratch),
    '-qq',
    '--print-uris',
    '--no-install-recommends',
    '--yes',
    'install',
    ...packages,
  ])
  const sizes = [...plan.matchAll(/^'[^']+' \S+ (\d+)/gm)].map((match) => Number(match[1]))
  if (sizes.length === 0) {
    return `Debian's package sources do not offer ${packages.join(' ')}. Try: see whether "apt-get update" works, and what /etc/apt/sources.list.d says.`
  }
  const simulated = await output('apt-get', [
    ...aptOptions(scratch),
    '-s',
    '--no-install-recommends',
    '--yes',
    'install',
    ...packages,
  ])
  const removed = [...simulated.matchAll(/^Remv (\S+)/gm)].flatMap(([, name]) => (name === 'busybox' ? [] : [name])) // busybox-static takes its place
  if (removed.length > 0)
    return `Installing ${packages.join(' ')} would remove ${removed.join(' ')}. Try: install them by hand, as you see fit.`
  return { megabytes: sizes.reduce((sum, size) => sum + size, 0) / 1e6 }
}

/** @param {string} scratch */
const aptOptions = (scratch) =>
  [
    `Dir::State::lists=${scratch}/lists`,
    `Dir::Cache::archives=${scratch}/archives`,
    'DPkg::Lock::Timeout=300', // another apt may be at work
    'Acquire::Retries=1',
    'APT::Sandbox::User=root', // its user cannot read a folder of ours
  ].flatMap((option) => ['-o', option])

// --- saying and asking ---

/**
 * @param {Needs} needs
 * @param {number} debianMegabytes to fetch; about three times as much when unpacked
 * @returns {Missing[]}
 */
function missing(needs, debianMegabytes) {
  const list = needs.packages.join(' ')
  return [
    ...(needs.packages.length > 0
      ? [{ title: `Debian packages: ${list}`, megabytes: debianMegabytes * 4, minutes: 1 }]
      : []),
    ...(needs.pnpm ? [{ title: `pnpm, below ${cacheFolder()}`, megabytes: 20, minutes: 0.1 }] : []),
    ...(needs.workspace
      ? [{ title: 'the packages of this workspace, in node_modules', megabytes: 400, minutes: 0.5 }]
      : []),
    ...(needs.go ? [{ title: `a Go toolchain, below ${cacheFolder()}`, megabytes: 300, minutes: 0.3 }] : []),
  ]
}

/**
 * @param {readonly Missing[]} parts
 * @param {boolean} yes
 */
async function agree(parts, yes) {
  if (parts.length === 0) return
  const gigabytes = parts.reduce((sum, { megabytes }) => sum + megabytes, 0) / 1000
  const minutes = parts.reduce((sum, part) => sum + part.minutes, 0)
  console.log('Missing here, and brought now:')
  for (const { title } of parts) console.log(`  ${title}`)
  console.log(
    `About ${gigabytes.toFixed(1)} GB of disk and ${Math.ceil(minutes)} min; the second time it takes seconds.`,
  )
  if (yes || process.env.CI || !process.stdin.isTTY || !process.stdout.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const interrupt = new AbortController()
  terminal.on('SIGINT', () => interrupt.abort())
  const answer = await terminal
    .question('Go on? [Y/n] ', { signal: interrupt.signal })
    .catch(() => 'no')
    .finally(() => terminal.close())
  if (!/^(y|yes|)$/i.test(answer.trim())) throw new SetUpError('Stopped; nothing was changed.')
}

// --- bringing ---

const policyFile = '/usr/sbin/policy-rc.d'
const policyMark = '# made by the set-up of sealer, removed when it is done'

/**
 * Installs packages; none of their daemons is started now or enabled for later.
 * @param {readonly string[]} packages
 * @param {string} scratch
 */
async function installPackages(packages, scratch) {
  say(`Installing ${packages.join(' ')}`)
  const enabledBefore = await enabledUnits()
  const ownPolicy = existsSync(policyFile) && !readFileSync(policyFile, 'utf8').includes(policyMark)
  if (ownPolicy) await rename(policyFile, `${policyFile}.kept`)
  await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 })
  try {
    const args = [...aptOptions(scratch), '-qq', '--yes', '--no-install-recommends', 'install', ...packages]
    await run('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (cause) {
    throw new SetUpError(
      `apt-get install ${packages.join(' ')} failed:\n${lastLines(cause)}\nTry: run it by hand to see more.`,
      { cause },
    )
  } finally {
    if (ownPolicy) await rename(`${policyFile}.kept`, policyFile)
    else await rm(policyFile, { force: true })
    const enabled = (await enabledUnits()).filter((unit) => !enabledBefore.includes(unit))
    if (enabled.length > 0) await run('systemctl', ['--quiet', 'disable', ...enabled]).catch(() => undefined)
  }
}

async function enabledUnits() {
  const list = await output('systemctl', [
    'list-unit-files',
    '--state=enabled',
    '--no-legend',
    '--plain',
    '--type=service,socket,timer',
  ])
  return list.split('\n').flatMap((line) => line.split(/\s+/)[0] || [])
}

/** @param {string | undefined} folder */
async function installPnpm(folder) {
  if (folder === undefined) return
  const version = folder.slice(folder.lastIndexOf('-') + 1)
  say(`Fetching pnpm ${version}`)
  const unfinished = `${folder}.${process.pid}`
  const args = [
    'install',
    '--prefix',
    unfinished,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `pnpm@${version}`,
  ]
  try {
    await run('npm', [...args, '--cache', join(cacheFolder(), 'npm')])
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } catch (cause) {
    throw new SetUpError(
      `pnpm cannot be fetched:\n${lastLines(cause)}\nTry: npm config set registry or proxy to what is allowed here.`,
      { cause },
    )
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** @param {readonly string[]} folders */
function environment(folders) {
  const path = [...folders.filter((folder) => folder !== ''), process.env.PATH ?? ''].join(delimiter)
  const pnpm = { npm_config_cache_dir: join(cacheFolder(), 'pnpm'), npm_config_state_dir: join(cacheFolder(), 'pnpm') }
  return { ...process.env, ...pnpm, PATH: path, SEALER_CACHE: cacheFolder() }
}

/**
 * Installs the workspace's packages as the lock file says, and compiles what has changed.
 * @param {NodeJS.ProcessEnv} env
 */
async function installWorkspace(env) {
  say('Packages of the workspace')
  await show(
    'pnpm',
    [
      'install',
      '--frozen-lockfile',
      '--config.confirmModulesPurge=false',
      '--reporter=append-only',
      '--loglevel=warn',
      ...storeOption(),
    ],
    env,
  )
  say('Building the sealer command')
  await show(join(checkout, 'node_modules/.bin/tsc'), ['-b'], env)
}

/** pnpm's store goes below the cache folder, unless this checkout was installed from another one before. */
function storeOption() {
  return existsSync(join(checkout, 'node_modules/.modules.yaml'))
    ? []
    : ['--store-dir', join(cacheFolder(), 'pnpm-store')]
}

// --- programs ---

/**
 * Runs a program in the checkout with its output as it comes.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<void>}
 * @throws {SetUpError} when it does not end with 0
 */
export async function show(program, args, env) {
  const child = spawn(program, args, { cwd: checkout, env, stdio: 'inherit' })
  const end = await new Promise((ended) => {
    child.once('error', (error) => ended(error.message))
    child.once('exit', (code, signal) => ended(code ?? signal))
  })
  if (end !== 0) throw new SetUpError(`"${[program, ...args].join(' ')}" ended with ${end}; its last lines are above.`)
}

/**
 * What a program prints, or nothing when it fails or is not there.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string }} [options]
 */
async function output(program, args, options = {}) {
  try {
    const { stdout } = await run(program, args, { maxBuffer: 64 * 1024 * 1024, ...options })
    return stdout.trim()
  } catch {
    return ''
  }
}

/** @param {unknown} error */
function lastLines(error) {
  const { stderr, message } = /** @type {{ stderr?: string, message: string }} */ (error)
  return (stderr?.trim() || message).split('\n').slice(-5).join('\n')
}
