import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, posix } from 'node:path'
import { contentKey, once, partsFolder } from './cache.ts'
import { fileDigest } from './file-digest.ts'
import type { Arch } from './platform.ts'
import { run } from './run.ts'

/** Debian's release whose packages go into container images, whatever this machine runs. */
const suite = 'bookworm'

export interface DebianPackage {
  readonly name: string
  readonly version: string
  /** Of the `.deb` file, which apt has checked against the signed index. */
  readonly sha256: string
}

/** Unpacked packages with all that they depend on. */
export interface DebianTree {
  /** Folder that stands for `/`. */
  readonly root: string
  readonly packages: readonly DebianPackage[]
  /** Fetched just now, rather than found in the cache. */
  readonly made: boolean
}

/**
 * Fetches Debian packages and what they depend on, of any architecture, and unpacks them into the cache. apt works with
 * a state of its own: nothing is installed, and the machine's package lists and architectures stay as they are.
 */
export async function debianTree(names: readonly string[], arch: Arch): Promise<DebianTree> {
  const folder = join(partsFolder(), `debian-${names[0]}-${arch}-${contentKey({ suite, names })}`)
  const { made } = await once(folder, async (unfinished) => {
    const archives = await download(names, arch, join(unfinished, 'apt'))
    const root = join(unfinished, 'root')
    await mkdir(root)
    for (const archive of archives) await run('dpkg-deb', ['--extract', archive, root])
    const packages = await Promise.all(archives.map(describe))
    await writeFile(join(unfinished, 'packages.json'), JSON.stringify(packages))
    await rm(join(unfinished, 'apt'), { recursive: true })
  })
  const packages: DebianPackage[] = JSON.parse(await readFile(join(folder, 'packages.json'), 'utf8'))
  return { root: join(folder, 'root'), packages, made }
}

async function download(names: readonly string[], arch: Arch, state: string): Promise<string[]> {
  for (const folder of ['lists/partial', 'archives/partial', 'log'])
    await mkdir(join(state, folder), { recursive: true })
  await writeFile(join(state, 'status'), '')
  await writeFile(join(state, 'sources.list'), sources())
  await writeFile(join(state, 'apt.conf'), settings(state, arch))
  const env = { ...process.env, APT_CONFIG: join(state, 'apt.conf'), DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  await run('apt-get', ['update', '--error-on=any'], { env })
  await run('apt-get', ['install', '--yes', '--download-only', '--no-install-recommends', ...names], { env })
  const archives = await readdir(join(state, 'archives'))
  return archives
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(state, 'archives', name))
}

function sources(): string {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  return [
    `deb [signed-by=${keyring}] http://deb.debian.org/debian ${suite} main`,
    `deb [signed-by=${keyring}] http://deb.debian.org/debian ${suite}-updates main`,
    `deb [signed-by=${keyring}] http://deb.debian.org/debian-security ${suite}-security main`,
    '',
  ].join('\n')
}

function settings(state: string, arch: Arch): string {
  return [
    `Dir::State "${state}";`,
    `Dir::State::Lists "${state}/lists";`,
    `Dir::State::status "${state}/status";`,
    `Dir::Cache "${state}";`,
    `Dir::Cache::Archives "${state}/archives";`,
    `Dir::Etc::SourceList "${state}/sources.list";`,
    'Dir::Etc::SourceParts "-";',
    'Dir::Etc::PreferencesParts "-";',
    'Dir::Etc::Preferences "-";',
    `Dir::Log "${state}/log";`,
    `APT::Architecture "${arch}";`,
    `APT::Architectures { "${arch}"; };`,
    'APT::Sandbox::User "root";',
    'APT::Update::Post-Invoke "";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    '#clear DPkg::Post-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '',
  ].join('\n')
}

async function describe(archive: string): Promise<DebianPackage> {
  const [name = '', version = ''] = basename(archive).split('_')
  return { name, version: decodeURIComponent(version), sha256: await fileDigest(archive) }
}

/** The file that a path inside a tree leads to, with links followed inside the tree; undefined if there is none. */
export async function realFile(tree: DebianTree, path: string, depth = 0): Promise<string | undefined> {
  if (depth > 40) throw new Error(`${path} is a link without end.`)
  let at = ''
  const names = posix.normalize(path).split('/').filter(Boolean)
  for (const [index, name] of names.entries()) {
    const next = posix.join(at, name)
    const target = await readlink(join(tree.root, next)).catch(() => undefined)
    if (target !== undefined) {
      const led = target.startsWith('/') ? target : posix.join('/', at, target)
      return realFile(tree, posix.join(led, ...names.slice(index + 1)), depth + 1)
    }
    at = next
  }
  const found = await stat(join(tree.root, at)).catch(() => undefined)
  return found?.isFile() ? join(tree.root, at) : undefined
}
