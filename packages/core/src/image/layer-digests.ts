import { createHash } from 'node:crypto'
import { type BigIntStats, createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { CacheNotes } from './cache-notes.ts'

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

/** A file's digest, and what the file system said of it then. */
type Row = readonly [path: string, stamp: string, digest: string]

/**
 * Digests of files, taken once: a file with the same stamp is not read again, also by a later build. Belongs to one build context.
 */
export class FileDigests {
  readonly #notes: CacheNotes
  readonly #context: string
  readonly #known: Map<string, Row>
  readonly #used = new Map<string, Row>()
  readonly #reading = new Map<string, Promise<string>>()
  #changed = false

  private constructor(notes: CacheNotes, context: string, rows: readonly Row[]) {
    this.#notes = notes
    this.#context = context
    this.#known = new Map(rows.map((row) => [row[0], row]))
  }

  /** The digests that earlier builds of this context have left in a folder. */
  static async open(folder: string, context: string): Promise<FileDigests> {
    const notes = new CacheNotes(folder)
    return new FileDigests(notes, context, (await notes.read<Row[]>(context)) ?? [])
  }

  /** sha256 of a file's content. */
  async of(path: string, stats: BigIntStats): Promise<string> {
    const stamp = stampOf(stats)
    const known = this.#known.get(path)
    if (known?.[1] === stamp) {
      this.#used.set(path, known)
      return known[2]
    }
    const digest = await this.#read(path, stamp)
    if (BigInt(Date.now()) - stats.ctimeNs / 1_000_000n > settled) {
      const row: Row = [path, stamp, digest]
      this.#known.set(path, row)
      this.#used.set(path, row)
      this.#changed = true
    }
    return digest
  }

  /** Two platforms that want the same file read it once. */
  #read(path: string, stamp: string): Promise<string> {
    const key = `${stamp} ${path}`
    const reading = this.#reading.get(key) ?? sha256(path)
    this.#reading.set(key, reading)
    return reading
  }

  /** Keeps what this build has used; files that are gone are forgotten. */
  async save(): Promise<void> {
    if (this.#changed) await this.#notes.write(this.#context, [...this.#used.values()])
  }
}

/** Digest of a file of any size. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}
