import { createHash, randomUUID } from 'node:crypto'
import { type BigIntStats, createReadStream } from 'node:fs'
import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What tells whether a file is still the same: bytes, times to the nanosecond, inode. */
export async function fileStamp(path: string): Promise<string> {
  return stampOf(await lstat(path, { bigint: true }))
}

/** As {@link fileStamp}, of what the file system has said already. */
export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size}:${mtimeNs}:${ctimeNs}:${ino}`
}

/** A file that changed less than this many milliseconds ago could change again within the same tick of the file system's clock. */
const settled = 2_000n

/**
 * Digests of files, taken once: a file with the same stamp is not read again, also by a later build. Belongs to one build context.
 */
export class FileDigests {
  readonly #cache: string
  readonly #known = new Map<string, { readonly stamp: string; readonly digest: string }>()
  readonly #used = new Map<string, { readonly stamp: string; readonly digest: string }>()
  #changed = false

  private constructor(cache: string) {
    this.#cache = cache
  }

  /** The digests that earlier builds have left for this context. */
  static async open(folder: string, context: string): Promise<FileDigests> {
    const name = createHash('sha256').update(context).digest('hex').slice(0, 32)
    const digests = new FileDigests(join(folder, 'digests', `${name}.json`))
    for (const [path, stamp, digest] of await readRows(digests.#cache)) digests.#known.set(path, { stamp, digest })
    return digests
  }

  /** sha256 of a file's content. */
  async of(path: string, stats: BigIntStats): Promise<string> {
    const stamp = stampOf(stats)
    const known = this.#known.get(path)
    if (known?.stamp === stamp) {
      this.#used.set(path, known)
      return known.digest
    }
    const digest = await sha256(path)
    if (BigInt(Date.now()) - stats.mtimeNs / 1_000_000n > settled) {
      this.#known.set(path, { stamp, digest })
      this.#used.set(path, { stamp, digest })
      this.#changed = true
    }
    return digest
  }

  /** Keeps what this build has used; files that are gone are forgotten. */
  async save(): Promise<void> {
    if (!this.#changed) return
    await mkdir(dirname(this.#cache), { recursive: true })
    const draft = `${this.#cache}.${randomUUID()}`
    await writeFile(draft, JSON.stringify([...this.#used].map(([path, { stamp, digest }]) => [path, stamp, digest])))
    await rename(draft, this.#cache)
  }
}

/** Digest of a file of any size. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

/** An unreadable cache is an empty one. */
async function readRows(path: string): Promise<[path: string, stamp: string, digest: string][]> {
  try {
    const rows = JSON.parse(await readFile(path, 'utf8')) as unknown[][]
    return rows.map(([file, stamp, digest]) => [String(file), String(stamp), String(digest)])
  } catch {
    return []
  }
}
