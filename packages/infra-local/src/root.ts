import { mkdir, mkdtemp, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { arch } from 'node:os'
import { join } from 'node:path'
import { type AptSources, distributionSources } from './apt-sources.ts'
import { discard } from './disk.ts'
import { errors } from './errors.ts'
import { digestOf } from './layout.ts'
import { withLock } from './lock.ts'
import { packages, prepareRoot, recipe } from './root-files.ts'
import { runProgram } from './run-program.ts'

/** The distribution of this machine, and of the hosts made on it. */
export interface Distribution {
  readonly id: string
  readonly version: string
  readonly codename: string
  readonly name: string
}

/** os-release(5). */
export async function distribution(file = '/etc/os-release'): Promise<Distribution> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? ''
  return {
    id: field('ID'),
    version: field('VERSION_ID'),
    codename: field('VERSION_CODENAME'),
    name: field('PRETTY_NAME'),
  }
}

/** Name of the root file system for this machine; another recipe, release or architecture has another name. */
export const rootKey = ({ codename }: Distribution): string => `${codename}-${arch()}-${digestOf(recipe)}`

export const rootFolder = (cache: string, key: string): string => join(cache, 'rootfs', key)

/** A root that has its name is whole: it gets the name when all is done. */
export const hasRoot = async (cache: string, key: string): Promise<boolean> =>
  (await stat(rootFolder(cache, key)).catch(() => undefined)) !== undefined

/**
 * The root file system that all hosts share read-only, about 250 MB. Built once by mmdebstrap; what an interrupted build has
 * left is removed by the next.
 * @throws LOCAL_NO_SOURCES, LOCAL_PROGRAM_FAILED
 */
export async function ensureRoot(cache: string, signal?: AbortSignal): Promise<string> {
  const system = await distribution()
  const key = rootKey(system)
  if (await hasRoot(cache, key)) return key
  await withLock('rootfs', async () => await buildRoot(cache, key, system, signal), signal)
  return key
}

async function buildRoot(cache: string, key: string, system: Distribution, signal?: AbortSignal): Promise<void> {
  if (await hasRoot(cache, key)) return // another sealer was faster
  const sources = await distributionSources(system.codename)
  if (sources === undefined) throw errors.LOCAL_NO_SOURCES({ codename: system.codename })
  const parent = join(cache, 'rootfs')
  await discard(join(parent, '.new')) // mmdebstrap mounts in there; what it was stopped from unmounting is not walked into
  await mkdir(join(parent, '.new'), { recursive: true })
  const work = await mkdtemp(join(parent, '.new', 'root-'))
  try {
    const root = join(work, 'root')
    await bootstrap(root, work, sources, system, signal)
    await prepareRoot(root)
    await rename(root, rootFolder(cache, key))
  } finally {
    await discard(join(parent, '.new'))
  }
}

async function bootstrap(root: string, work: string, sources: AptSources, system: Distribution, signal?: AbortSignal) {
  const files: string[] = []
  for (const [name, text] of [
    ['own.list', sources.list],
    ['own.sources', sources.stanzas],
  ] as const) {
    if (text === '') continue
    await writeFile(join(work, name), `${text}\n`)
    files.push(join(work, name))
  }
  await runProgram(
    'mmdebstrap',
    [
      '--variant=minbase',
      '--format=directory',
      `--include=${packages.join(',')}`,
      ...(await aptNetwork(signal)).map((setting) => `--aptopt=${setting}`),
      system.codename,
      root,
      ...files,
    ],
    signal === undefined ? {} : { signal },
  )
}

/** How this machine's apt reaches its sources: mmdebstrap does not read apt.conf. */
async function aptNetwork(signal?: AbortSignal): Promise<readonly string[]> {
  const text = await runProgram('apt-config', ['dump', 'Acquire'], signal === undefined ? {} : { signal })
  return text
    .split('\n')
    .filter((line) => /^Acquire::(https?|ftp)::[^ ]* "[^"]+";$/.test(line) || /^Acquire::Retries /.test(line))
}
