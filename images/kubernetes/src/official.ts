import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { contentKey, once, partsFolder } from './cache.ts'
import { Checksums } from './checksums.ts'
import { type FastGunzip, fastGunzip } from './fast-gunzip.ts'
import { fileDigest, folderDigests } from './file-digest.ts'
import type { Gathered, HostFiles, PartRecord } from './gathered.ts'
import { hostPrograms, pick } from './gathered.ts'
import type { OfficialFile, Sites } from './official-files.ts'
import { officialFiles, officialSites } from './official-files.ts'
import { versions } from './parts.ts'
import type { Arch } from './platform.ts'
import { ownArch } from './platform.ts'
import { Progress } from './progress.ts'
import type { Release } from './releases.ts'
import { run } from './run.ts'

export interface OfficialOptions {
  readonly sites?: Sites
  /** File with the sums of all release files used so far. */
  readonly checksums?: string
  readonly progress?: (line: string) => void
  /** Where the fast gunzip of hosts comes from. */
  readonly gunzip?: (arch: Arch, progress: Progress) => Promise<FastGunzip>
}

/** Fetches the release files of every part. Container images are named only: `sealer build` fetches them by itself. */
export async function gatherOfficial(
  release: Release,
  archs: readonly Arch[],
  { sites = officialSites, checksums = ownChecksums, progress: write, gunzip = fastGunzip }: OfficialOptions = {},
): Promise<Gathered> {
  const sums = new Checksums(checksums)
  const all = [...new Set([...archs, ownArch()])] // this machine's kubeadm says which images it wants
  const progress = new Progress(all.length * (officialFiles(release, ownArch(), sites).length + 1), write)
  const files = new Map<Arch, HostFiles>()
  for (const arch of all) {
    const fetched = await fetchAll(officialFiles(release, arch, sites), arch, sums, progress)
    const fast = await gunzip(arch, progress)
    files.set(arch, { ...fetched, gunzip: fast.files, records: [...fetched.records, ...fast.records] })
  }
  const kubeadm = files.get(ownArch())?.bin.kubeadm ?? ''
  const wanted = await run(kubeadm, ['config', 'images', 'list', '--kubernetes-version', `v${release.version}`])
  const names = [...wanted.trim().split('\n'), `ghcr.io/flannel-io/flannel:v${versions.flannel}`]
  const chosen = [...files].filter(([arch]) => archs.includes(arch))
  return { source: 'official', files: new Map(chosen), images: { names }, tags: {} }
}

/** Says whether the makers' sites answer from here: one file of Kubernetes, one release on GitHub, the registry. */
export async function officialReachable(release: Release, sites: Sites = officialSites): Promise<boolean> {
  const files = officialFiles(release, ownArch(), sites).filter(({ name }) => name === 'kubeadm' || name === 'runc')
  const answers = await Promise.all([...files.map(({ sums }) => sums), `${sites.registry}/v2/`].map(statusOf))
  return answers.every((status) => status === 200 || status === 401)
}

const ownChecksums = join(import.meta.dirname, '..', 'official.sums.json')

async function fetchAll(
  files: readonly OfficialFile[],
  arch: Arch,
  sums: Checksums,
  progress: Progress,
): Promise<Omit<HostFiles, 'gunzip'>> {
  const programs: Record<string, string> = {}
  const cni: Record<string, string> = {}
  const records: PartRecord[] = []
  for (const file of files) {
    const folder = await fetched(file, arch, sums, progress)
    const { version, licence, url: module } = file
    for (const [name, sha256] of Object.entries(await folderDigests(folder))) {
      const target = file.cni ? cni : programs
      target[name] = join(folder, name)
      records.push({ name, version, licence, module, source: 'official', sha256 })
    }
  }
  return { bin: pick(programs, hostPrograms), cni, records }
}

/** The folder with the programs of a release file, fetched and checked. */
async function fetched(file: OfficialFile, arch: Arch, sums: Checksums, progress: Progress): Promise<string> {
  const folder = join(partsFolder(), `official-${file.name}-${file.version}-${arch}-${contentKey(file)}`)
  await progress.part(`${file.name} ${file.version} for ${arch}`, () =>
    once(folder, async (unfinished) => {
      const expected = await sums.expected(file.url, async () => (await request(file.sums)).text())
      const archive = join(unfinished, basename(file.url))
      await download(file.url, archive)
      const sum = await fileDigest(archive)
      if (sum !== expected) throw new Error(`${file.url} has the sha256 sum ${sum}, not ${expected} as expected.`)
      await sums.enter(file.url, sum)
      await unpack(file, archive, join(unfinished, 'programs'))
    }),
  )
  return join(folder, 'programs')
}

async function unpack(file: OfficialFile, archive: string, programs: string): Promise<void> {
  await mkdir(programs)
  if (file.members === undefined) {
    await rename(archive, join(programs, file.name))
  } else {
    const inside = `${programs}.unpacked`
    await mkdir(inside)
    await run('tar', ['-xzf', archive, '-C', inside, '--no-same-owner', ...file.members])
    for (const member of file.members) await rename(join(inside, member), join(programs, basename(member)))
    await rm(inside, { recursive: true })
    await rm(archive)
  }
  for (const name of await readdir(programs)) await chmod(join(programs, name), 0o755)
}

async function download(url: string, target: string): Promise<void> {
  const { body } = await request(url)
  if (body === null) throw new Error(`${url} is empty.`)
  await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(target))
}

async function request(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(600_000) }).catch((cause) => {
    throw new Error(`${url} cannot be reached. Try: --source built`, { cause })
  })
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${response.statusText}.`)
  return response
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(4000) })).status
  } catch {
    return undefined // no name, no route, no answer in time: all the same here
  }
}
