import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { pipeline, Readable, Transform } from 'node:stream'
import { extract, type Header } from 'tar-stream'
import { codecOf } from './codec.ts'
import { imageErrors } from './errors.ts'

/** A file or a link of an archive. The path is relative and free of `.` and `..`. */
export interface TarEntry {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Set for symbolic and hard links: where they point at inside the archive. */
  readonly link?: string
  readonly body: Readable
}

/** Far more files than an image archive has. */
const maxEntries = 200_000

/** Reads an archive file, plain or compressed, from its beginning. */
export const openArchive = (path: string): Promise<Readable> =>
  unpacked(createReadStream(path, { highWaterMark: 1024 * 1024 }), path)

/** Reads a layer to look at what it holds. It may unpack to any size, as sparse files do: nothing of it is kept. */
export const openLayer = (path: string): Promise<Readable> =>
  unpacked(createReadStream(path, { highWaterMark: 1024 * 1024 }), path, { anySize: true })

/** The tar in a stream that may be compressed. Errors of the stream reach its reader. */
export async function unpacked(source: Readable, archive: string, { anySize = false } = {}): Promise<Readable> {
  const pieces: AsyncIterator<Buffer> = source[Symbol.asyncIterator]()
  const first = await pieces.next()
  const start = first.done === true ? Buffer.alloc(0) : first.value
  const whole = Readable.from(afterStart(start, pieces))
  const codec = codecOf(start)
  if (codec === undefined) return whole
  if (anySize) return pipeline(whole, codec.decompress(), () => {})
  const bomb = new BombCheck(archive)
  return pipeline(whole, bomb.packed(), codec.decompress(), bomb.unpacked(), () => {})
}

/** A stream again, of which a first piece was taken for a look. */
export async function* afterStart(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** Lets at most 1 GiB, or a hundred times the packed bytes, come out of an archive. */
class BombCheck {
  readonly #archive: string
  #packed = 0
  #unpacked = 0

  constructor(archive: string) {
    this.#archive = archive
  }

  packed(): Transform {
    return each((piece) => {
      this.#packed += piece.length
      return undefined
    })
  }

  unpacked(): Transform {
    return each((piece) => {
      this.#unpacked += piece.length
      if (this.#unpacked <= Math.max(1024 ** 3, this.#packed * 100)) return undefined
      const reason = `${this.#packed} bytes of it unpack to more than ${this.#unpacked}`
      return imageErrors.ARCHIVE_INVALID({ archive: this.#archive, reason })
    })
  }
}

const each = (look: (piece: Buffer) => Error | undefined): Transform =>
  new Transform({
    transform(piece: Buffer, _encoding, done) {
      const error = look(piece)
      if (error === undefined) done(null, piece)
      else done(error)
    },
  })

/** Lets bytes through and takes their hash. */
export function hashing(hash: Hash): Transform {
  return each((piece) => {
    hash.update(piece)
    return undefined
  })
}

/** Anything that stands in an archive, folders, devices and the marks of layers included. */
export interface TarPart {
  readonly header: Header
  /** Relative and free of `.` and `..`; of the root itself it is `.`. */
  readonly path: string
  readonly body: Readable
}

/**
 * Hands over the files and links of a tar one after the other; what `take` leaves of a body is skipped. Nothing is written
 * anywhere, so a hostile path can do no harm; it is refused all the same.
 * @throws ARCHIVE_INVALID
 */
export async function eachTarEntry(
  source: Readable,
  archive: string,
  take: (entry: TarEntry) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const takePart = async ({ header, path, body }: TarPart) => {
    const { type, linkname, size = 0 } = header
    if (type === 'file' || type === 'contiguous-file') await take({ path, size, body })
    if (type === 'symlink' || type === 'link') {
      const target = inside(type === 'link' ? (linkname ?? '') : posix.join(posix.dirname(path), linkname ?? ''))
      if (target === undefined)
        throw imageErrors.ARCHIVE_INVALID({ archive, reason: `the link "${path}" leads out of it` })
      await take({ path, size: 0, link: target, body: Readable.from([]) })
    }
  }
  await eachTarPart(source, archive, takePart, signal)
}

/** As {@link eachTarEntry}, for everything that stands there; links are not looked at. @throws ARCHIVE_INVALID */
export async function eachTarPart(
  source: Readable,
  archive: string,
  take: (part: TarPart) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const refuse = (reason: string, cause?: unknown) => imageErrors.ARCHIVE_INVALID({ archive, reason }, { cause })
  const entries = extract()
  const stop = () => entries.destroy(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  source.once('error', (error) => entries.destroy(error))
  let count = 0
  try {
    signal?.throwIfAborted()
    source.pipe(entries)
    for await (const entry of entries) {
      if (++count > maxEntries) throw refuse(`it has more than ${maxEntries} entries`)
      const { header } = entry
      const path = inside(header.name)
      if (path === undefined) throw refuse(`"${header.name.slice(0, 100)}" leads out of it`)
      await take({ header, path, body: Readable.from(entry) })
      entry.resume()
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (isTarError(error)) throw refuse((error as Error).message, error)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    source.destroy()
  }
}

/**
 * A small file, whole.
 * @throws ARCHIVE_INVALID when it is larger than `most` bytes
 */
export async function readBody({ path, size, body }: TarEntry, archive: string, most: number): Promise<Buffer> {
  if (size > most)
    throw imageErrors.ARCHIVE_INVALID({ archive, reason: `${path} has ${size} bytes, at most ${most} make sense` })
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** The path inside the archive; undefined when it leads out. */
function inside(name: string): string | undefined {
  if (name.includes('\0') || posix.isAbsolute(name)) return undefined
  const path = posix.normalize(name).replace(/\/$/, '')
  return path === '..' || path.startsWith('../') ? undefined : path
}

/** tar-stream and zlib throw plain errors for bytes that are no tar or no gzip. */
function isTarError(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (code === undefined) return error instanceof Error && Object.getPrototypeOf(error) === Error.prototype
  return String(code).startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE'
}
