import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { batches } from './batches.ts'
import { imageErrors } from './errors.ts'
import { holdLock } from './lock.ts'
import { maxJsonBytes } from './oci.ts'
import { isDigest } from './reference.ts'

/** What a blob must turn out to be. */
export interface Expected {
  readonly digest?: string
  /** Bytes. */
  readonly size?: number
}

/** A blob that is in the store. */
export interface StoredBlob {
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** Bytes of a blob from an offset on; a source that cannot go on in the middle answers with offset 0. */
export interface BlobBytes {
  readonly stream: Readable
  readonly offset: number
}

/** How a blob is fetched; see {@link BlobStore.receive}. */
export interface Receiving {
  /** For messages: who sends, e.g. a registry's name. */
  readonly from: string
  readonly signal?: AbortSignal
  /** Called with the bytes that are here, those of an earlier attempt included. */
  readonly onBytes?: (here: number) => void
}

const readChunk = 1024 * 1024

/**
 * The blobs of an OCI layout (image-spec, image-layout.md): `blobs/sha256/HEX`. A blob's file appears by rename when its
 * size and digest are proven and it is on disk; what is under way stands in `partial/`. Safe for several processes.
 */
export class BlobStore {
  /** Folder of the layout. */
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Where a blob's file is or would be. A digest of another form than sha256 is refused: it could lead out of the folder. */
  path(digest: string): string {
    return join(this.root, 'blobs', 'sha256', hexOf(digest))
  }

  /** Where the bytes of a blob stand that is being received, until it is proven. */
  partialPath(digest: string): string {
    return join(this.#partials, hexOf(digest))
  }

  async has(digest: string): Promise<boolean> {
    return (await this.size(digest)) !== undefined
  }

  /** Bytes of a blob; undefined when it is not here. */
  async size(digest: string): Promise<number | undefined> {
    try {
      const seen = await stat(this.path(digest))
      return seen.isFile() ? seen.size : undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Whether a blob is here; if so it counts as new again, so that no clean-up takes it from the caller. */
  async keep(digest: string): Promise<boolean> {
    if (!(await this.has(digest))) return false
    const now = new Date()
    await utimes(this.path(digest), now, now).catch(() => {}) // a store on a read-only disk is cleaned up by nobody
    return true
  }

  /**
   * Stores bytes.
   * @throws BLOB_CORRUPT when they are not the expected ones, STORE_FULL; nothing is kept then
   */
  async put(source: Readable | Buffer, expected: Expected = {}, signal?: AbortSignal): Promise<StoredBlob> {
    const known = Buffer.isBuffer(source) ? { digest: digestOf(source), size: source.length } : undefined
    if (known !== undefined && matches(known, expected) && (await this.keep(known.digest))) return known
    const draft = join(this.#partials, `put-${randomUUID()}`)
    await this.#makeFolders()
    const file = await open(draft, 'wx', 0o644)
    try {
      const meter = new Meter()
      await append(file, meter, Buffer.isBuffer(source) ? Readable.from([source]) : source, expected.size, signal)
      const blob = meter.result()
      if (!matches(blob, expected)) throw corrupt(blob, expected, 'the source')
      await this.#publish(file, draft, blob.digest)
      return blob
    } finally {
      await file.close()
      await rm(draft, { force: true })
    }
  }

  /**
   * Fetches a blob that is not here yet, going on where an earlier attempt, of any process, has stopped. Two that want the
   * same blob fetch it once.
   * @throws BLOB_CORRUPT when the sender gave other bytes; they are thrown away. STORE_FULL; what has arrived stays
   */
  async receive(
    blob: StoredBlob,
    bytesFrom: (offset: number) => Promise<BlobBytes>,
    receiving: Receiving,
  ): Promise<void> {
    if (await this.keep(blob.digest)) return
    await this.#makeFolders()
    const partial = this.partialPath(blob.digest)
    await using _lock = await holdLock(
      `${partial}.lock`,
      receiving.signal === undefined ? {} : { signal: receiving.signal },
    )
    if (await this.keep(blob.digest)) return // by whom we have waited for

    const file = await open(partial, 'a+', 0o644)
    try {
      let resumed = await measure(file)
      if (resumed.size > blob.size) resumed = await restart(file)
      for (;;) {
        const { meter, continued } = await this.#continue(file, resumed, blob, bytesFrom, receiving)
        const got = meter.result()
        if (matches(got, blob)) return await this.#publish(file, partial, blob.digest)
        if (got.size < blob.size) throw corrupt(got, blob, receiving.from) // the next attempt goes on from here
        resumed = await restart(file)
        if (!continued) {
          await rm(partial, { force: true })
          throw corrupt(got, blob, receiving.from)
        }
        // The part from earlier may have been damaged by a power failure: once more, from the start.
      }
    } finally {
      await file.close()
    }
  }

  /**
   * The whole of a small blob, its digest checked.
   * @throws IMAGE_INCOMPLETE, BLOB_CORRUPT
   */
  async read(digest: string, maxBytes = maxJsonBytes): Promise<Buffer> {
    const size = await this.size(digest)
    if (size === undefined) throw imageErrors.IMAGE_INCOMPLETE({ image: 'The image', missing: [digest] })
    if (size > maxBytes) {
      throw imageErrors.BLOB_CORRUPT({
        digest,
        from: 'The store',
        reason: `it has ${size} bytes, at most ${maxBytes} make sense`,
      })
    }
    const bytes = await readFile(this.path(digest))
    const blob = { digest: digestOf(bytes), size: bytes.length }
    if (!matches(blob, { digest })) throw corrupt(blob, { digest }, 'The store')
    return bytes
  }

  /** A blob's bytes from an offset on. The digest was checked when the blob was stored. */
  open(digest: string, offset = 0): Readable {
    return createReadStream(this.path(digest), { start: offset, highWaterMark: readChunk })
  }

  get #partials(): string {
    return join(this.root, 'partial')
  }

  async #makeFolders(): Promise<void> {
    await mkdir(join(this.root, 'blobs', 'sha256'), { recursive: true })
    await mkdir(this.#partials, { recursive: true })
  }

  async #continue(
    file: FileHandle,
    resumed: Meter,
    blob: StoredBlob,
    bytesFrom: (offset: number) => Promise<BlobBytes>,
    { signal, onBytes }: Receiving,
  ): Promise<{ meter: Meter; continued: boolean }> {
    if (resumed.size === blob.size && blob.size > 0) return { meter: resumed, continued: true }
    const { stream, offset } = await bytesFrom(resumed.size)
    const continued = offset > 0
    const meter = offset === resumed.size ? resumed : await restart(file)
    if (continued && meter !== resumed) {
      stream.destroy()
      throw imageErrors.BLOB_CORRUPT({
        digest: blob.digest,
        from: 'The sender',
        reason: `it went on at byte ${offset} instead of ${resumed.size}`,
      })
    }
    onBytes?.(meter.size)
    await append(file, meter, stream, blob.size, signal, onBytes)
    return { meter, continued }
  }

  async #publish(file: FileHandle, from: string, digest: string): Promise<void> {
    await file.sync()
    await rename(from, this.path(digest))
  }
}

/** Digest of bytes in memory. */
export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Counts and hashes what passes. */
class Meter {
  readonly #hash = createHash('sha256')
  size = 0

  take(chunk: Buffer): void {
    this.#hash.update(chunk)
    this.size += chunk.length
  }

  /** Only once, at the end. */
  result(): StoredBlob {
    return { digest: `sha256:${this.#hash.digest('hex')}`, size: this.size }
  }
}

/** Writes a stream behind what the file holds; stops soon after the first byte beyond `limit`. */
async function append(
  file: FileHandle,
  meter: Meter,
  source: Readable,
  limit = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
  onBytes?: (here: number) => void,
): Promise<void> {
  const stop = () => source.destroy(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    for await (const pieces of batches(source)) {
      const fits = meter.size + bytesOf(pieces) <= limit
      const written = fits ? write(file, pieces) : undefined
      for (const piece of pieces) meter.take(piece) // while they are being written
      if (written === undefined) break // the caller sees the size
      await written
      onBytes?.(meter.size) // who follows reads them from the file
    }
    signal?.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', stop)
    source.destroy()
  }
}

async function write(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  try {
    const { bytesWritten } = await file.writev(pieces)
    if (bytesWritten < bytesOf(pieces)) await file.appendFile(Buffer.concat(pieces).subarray(bytesWritten))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw imageErrors.STORE_FULL({}, { cause: error })
    throw error
  }
}

const bytesOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, { length }) => sum + length, 0)

async function measure(file: FileHandle): Promise<Meter> {
  const meter = new Meter()
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false, highWaterMark: readChunk }))
    meter.take(chunk)
  return meter
}

async function restart(file: FileHandle): Promise<Meter> {
  await file.truncate(0)
  return new Meter()
}

const matches = (blob: StoredBlob, { digest, size }: Expected): boolean =>
  (digest === undefined || digest === blob.digest) && (size === undefined || size === blob.size)

function corrupt(got: StoredBlob, expected: Expected, from: string): Error {
  return imageErrors.BLOB_CORRUPT({ digest: expected.digest ?? got.digest, from, reason: difference(got, expected) })
}

function difference(got: StoredBlob, { size }: Expected): string {
  if (size === undefined || size === got.size) return `their digest is ${got.digest}`
  return got.size > size ? `more than ${size} bytes came` : `only ${got.size} of ${size} bytes came`
}

function hexOf(digest: string): string {
  if (!isDigest(digest))
    throw imageErrors.REFERENCE_INVALID({ reference: digest.slice(0, 100), reason: 'it is no sha256 digest' })
  return digest.slice('sha256:'.length)
}
