import { createHash } from 'node:crypto'
import type { BlobStore } from '../image/blobs.ts'
import type { CacheNotes } from '../image/cache-notes.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import { rootfsFiles } from '../image/rootfs-files.ts'
import { eachTarEntry, openArchive, type TarEntry } from '../image/tar-file.ts'
import { type GoBuildInfo, GoBuildInfoFinder } from './go-build-info.ts'
import { alpinePackages, type DistributionPackage, debianPackages, distributionOf } from './package-databases.ts'

/** What can be told of the programs in a root file system. */
export interface RootfsPackages {
  /** `debian`, `alpine` …, as its os-release says. */
  readonly distribution?: string
  readonly packages: readonly DistributionPackage[]
  /** Go programs by path. */
  readonly programs: readonly { readonly path: string; readonly info: GoBuildInfo }[]
}

/** What one file tells, by the digest of its content. */
interface Finding {
  readonly digest: string
  readonly distribution?: string
  readonly packages?: readonly DistributionPackage[]
  readonly info?: GoBuildInfo
}

/** A database of packages is some megabytes at most. */
const mostDatabaseBytes = 64 * 1024 * 1024
/** The smallest Go program is larger. */
const leastProgramBytes = 256 * 1024

const databases: readonly (readonly [RegExp, (text: string) => Omit<Finding, 'digest'>])[] = [
  [/^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/, (text) => ({ packages: debianPackages(text) })],
  [/^(usr\/)?lib\/apk\/db\/installed$/, (text) => ({ packages: alpinePackages(text) })],
  [/^(etc|usr\/lib)\/os-release$/, (text) => named(distributionOf(text))],
]
const named = (distribution: string | undefined): Omit<Finding, 'digest'> =>
  distribution === undefined ? {} : { distribution }

/**
 * The packages and Go programs of a root file system as its layers make it together. Nothing is unpacked or executed; a layer is read once and
 * remembered.
 * @throws ARCHIVE_INVALID
 */
export async function rootfsPackages(
  layers: readonly RootfsLayer[],
  blobs: BlobStore,
  notes: { readonly files: CacheNotes; readonly packages: CacheNotes },
  signal?: AbortSignal,
): Promise<RootfsPackages> {
  const findings = new Map<string, Finding>()
  for (const layer of layers)
    for (const finding of await findingsIn(layer, blobs, notes.packages, signal)) findings.set(finding.digest, finding)
  const files = findings.size === 0 ? [] : await rootfsFiles(layers, blobs, notes.files, signal)
  const told = files.flatMap(({ path, digest = '' }) => {
    const finding = findings.get(digest)
    return finding === undefined ? [] : [{ path, ...finding }]
  })
  const distribution = told.find((one) => one.distribution !== undefined)?.distribution
  return {
    ...(distribution === undefined ? {} : { distribution }),
    packages: told.flatMap(({ packages = [] }) => packages),
    programs: told.flatMap(({ path, info }) => (info === undefined ? [] : [{ path, info }])),
  }
}

async function findingsIn(
  { blob, diffId }: RootfsLayer,
  blobs: BlobStore,
  notes: CacheNotes,
  signal: AbortSignal | undefined,
): Promise<readonly Finding[]> {
  const known = await notes.read<Finding[]>(diffId)
  if (known !== undefined) return known
  const found: Finding[] = []
  const layer = blobs.path(blob.digest)
  const take = async (entry: TarEntry) => {
    const finding = await findingIn(entry)
    if (finding !== undefined) found.push(finding)
  }
  await eachTarEntry(await openArchive(layer), layer, take, signal)
  await notes.write(diffId, found)
  return found
}

async function findingIn(entry: TarEntry): Promise<Finding | undefined> {
  if (entry.link !== undefined) return undefined
  const database = databases.find(([path]) => path.test(entry.path))?.[1]
  if (database !== undefined && entry.size <= mostDatabaseBytes) return readDatabase(entry, database)
  return entry.size >= leastProgramBytes ? readProgram(entry) : undefined
}

async function readDatabase(
  { body }: TarEntry,
  read: (text: string) => Omit<Finding, 'digest'>,
): Promise<Finding | undefined> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece as Buffer)
  const bytes = Buffer.concat(pieces)
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, ...read(bytes.toString('utf8')) }
}

/** ELF files alone are read to their end. */
async function readProgram({ body }: TarEntry): Promise<Finding | undefined> {
  const hash = createHash('sha256')
  const finder = new GoBuildInfoFinder()
  let start = Buffer.alloc(0)
  for await (const piece of body) {
    if (start.length < 4) start = Buffer.concat([start, piece as Buffer]).subarray(0, 4)
    if (start.length >= 4 && start.readUInt32BE(0) !== 0x7f454c46) return undefined
    hash.update(piece as Buffer)
    finder.take(piece as Buffer)
  }
  const info = finder.result()
  return info === undefined ? undefined : { digest: `sha256:${hash.digest('hex')}`, info }
}
