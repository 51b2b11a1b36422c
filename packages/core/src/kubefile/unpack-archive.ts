import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, posix } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import type { LayerEntry } from '../image/layer.ts'
import { fileStamp } from '../image/layer-digests.ts'
import { afterStart, openArchive } from '../image/tar-file.ts'
import { ContextProblem } from './context.ts'
import { isTarHeader } from './tar-header.ts'

/*
 * Hostile here: everything in the archive. Its paths are never paths on this machine: contents lie in numbered files, and what
 * would leave the image, hide behind a link or is no plain file is refused. Entries and unpacked bytes are bounded.
 */

type FileEntry = Extract<LayerEntry, { kind: 'file' }>

/** Far more files than a program brings along. */
const maxEntries = 200_000
const block = 512
const root = { uid: 0, gid: 0 }
const remake = 'Make the archive again, or unpack it into the build context and COPY the files.'

/** Programs for what Node does not unpack in all its versions, by how such a file begins. */
const programs = [
  { program: 'bzip2', start: '425a68' },
  { program: 'xz', start: 'fd377a585a00' },
  { program: 'zstd', start: '28b52ffd' },
] as const

/**
 * What a tar holds, plain or packed with gzip, bzip2, xz or zstd, told by its content; undefined for any other file. Contents are kept in a
 * folder of the digest's name inside `cache`, so that an archive is unpacked once. Everything belongs to root.
 * @throws ContextProblem
 */
export async function unpackArchive(
  archive: FileEntry,
  cache: string,
  signal?: AbortSignal,
): Promise<LayerEntry[] | undefined> {
  const folder = join(cache, archive.digest.replace(':', '-'))
  const known = await readFile(join(folder, 'entries.json'), 'utf8').catch(() => undefined)
  if (known !== undefined) return placed(JSON.parse(known), folder)
  const stream = await tarIn(archive)
  if (stream === undefined) return undefined
  const draft = `${folder}.${randomUUID()}`
  try {
    await mkdir(draft, { recursive: true })
    const entries = await unpackTo(draft, stream, archive, signal)
    await writeFile(join(draft, 'entries.json'), JSON.stringify(entries))
    // Another platform of the build may have been faster; its files are the same.
    await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return placed(JSON.parse(await readFile(join(folder, 'entries.json'), 'utf8')), folder)
  } finally {
    stream.destroy()
    await rm(draft, { recursive: true, force: true })
  }
}

const placed = (entries: readonly LayerEntry[], folder: string): LayerEntry[] =>
  entries.map((entry) => (entry.kind === 'file' ? { ...entry, source: join(folder, entry.source) } : entry))

/** The unpacked tar in a file; undefined when it is none. */
async function tarIn({ source, size }: FileEntry): Promise<Readable | undefined> {
  const start = await startOf(source)
  const program = programs.find((one) => start.toString('hex').startsWith(one.start))?.program
  const packed = program !== undefined || start.subarray(0, 2).toString('hex') === '1f8b'
  if (!packed && !isTarHeader(start)) return undefined
  const bytes = program === undefined ? await openArchive(source) : Readable.from(outputOf(program, source, size))
  const pieces: AsyncIterator<Buffer> = bytes[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  try {
    while (first.length < block) {
      const next = await pieces.next()
      if (next.done === true) break
      first = Buffer.concat([first, next.value])
    }
  } catch (error) {
    throw damaged(source, error)
  }
  if (isTarHeader(first)) return Readable.from(afterStart(first, pieces))
  bytes.destroy()
  return undefined
}

async function startOf(file: string): Promise<Buffer> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(block), 0, block, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** What a program makes of a packed file. */
async function* outputOf(program: string, file: string, size: number): AsyncGenerator<Buffer> {
  const handle = await open(file)
  const child = spawn(program, ['-d', '-c'], { stdio: [handle.fd, 'pipe', 'ignore'] })
  const closed = new Promise<number | null>((resolve) => void child.once('close', resolve))
  try {
    await once(child, 'spawn').catch(() => {
      throw new ContextProblem(
        `${file} is packed with ${program}, which is not on PATH.`,
        `Install ${program}, or COPY the archive to keep it packed.`,
      )
    })
    let bytes = 0
    for await (const piece of child.stdout ?? []) {
      bytes += piece.length
      refuseBomb(size, bytes)
      yield piece
    }
    if ((await closed) !== 0) throw new Error(`${program} says that it is damaged`)
  } finally {
    child.kill('SIGKILL')
    await handle.close()
  }
}

/** Writes contents into numbered files of a folder; sources of the entries are relative to it. */
async function unpackTo(
  folder: string,
  stream: Readable,
  archive: FileEntry,
  signal?: AbortSignal,
): Promise<LayerEntry[]> {
  const entries = new Map<string, LayerEntry>()
  const tar = extract()
  stream.once('error', (error) => tar.destroy(error))
  try {
    stream.pipe(tar)
    let count = 0
    let bytes = 0
    for await (const entry of tar) {
      signal?.throwIfAborted()
      if (++count > maxEntries) throw new Error(`it has more than ${maxEntries} entries`)
      bytes += entry.header.size ?? 0
      refuseBomb(archive.size, bytes)
      const path = pathIn(entry.header.name)
      if (path !== '')
        entries.set(
          path,
          await entryOf(
            path,
            { header: entry.header, body: Readable.from(entry) },
            join(folder, String(count)),
            entries,
          ),
        )
      entry.resume()
    }
    refuseHidden(entries)
    return [...entries.values()]
  } catch (error) {
    signal?.throwIfAborted()
    throw damaged(archive.source, error)
  } finally {
    tar.destroy()
  }
}

async function entryOf(
  path: string,
  { header, body }: { readonly header: Header; readonly body: Readable },
  file: string,
  before: ReadonlyMap<string, LayerEntry>,
): Promise<LayerEntry> {
  const base = { path, mode: (header.mode ?? 0o644) & 0o7777, owner: root }
  switch (header.type) {
    case 'directory':
      return { ...base, kind: 'folder' }
    case 'symlink':
      return { ...base, mode: 0o777, kind: 'link', target: header.linkname ?? '' }
    case 'link': {
      const target = before.get(pathIn(header.linkname ?? ''))
      if (target?.kind !== 'file') throw new Error(`"${path}" is a link to what is not there`)
      return { ...target, path }
    }
    case 'file':
    case 'contiguous-file': {
      const hash = createHash('sha256')
      await pipeline(body, hashed(hash), createWriteStream(file, { flags: 'wx' }))
      const stamp = await fileStamp(file)
      return {
        ...base,
        kind: 'file',
        source: basename(file),
        size: header.size ?? 0,
        digest: `sha256:${hash.digest('hex')}`,
        stamp,
      }
    }
    default:
      throw new Error(`"${path}" is neither a file nor a folder nor a link`)
  }
}

function hashed(hash: ReturnType<typeof createHash>) {
  return async function* (pieces: AsyncIterable<Buffer>) {
    for await (const piece of pieces) {
      hash.update(piece)
      yield piece
    }
  }
}

/** Relative to where the archive is unpacked, as tar(1) reads it: a slash at the beginning has no meaning. */
function pathIn(name: string): string {
  const path = posix.normalize(name).replace(/^\/+/, '').replace(/\/$/, '')
  if (path === '..' || path.startsWith('../') || name.includes('\0')) throw new Error(`"${name}" leads out of it`)
  if (posix.basename(path).startsWith('.wh.'))
    throw new Error(`"${path}" has a name that means "taken away" in an image`)
  return path === '.' ? '' : path
}

/** What lies below a link or a file would be written wherever the link leads. */
function refuseHidden(entries: ReadonlyMap<string, LayerEntry>): void {
  for (const path of entries.keys()) {
    for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above)) {
      const kind = entries.get(above)?.kind ?? 'folder'
      if (kind !== 'folder') throw new Error(`"${path}" lies below "${above}", which is no folder`)
    }
  }
}

/** At most 1 GiB comes out of an archive, or a hundred times its own bytes. */
function refuseBomb(packed: number, unpacked: number): void {
  if (unpacked <= Math.max(1024 ** 3, packed * 100)) return
  throw new Error(`${packed} bytes of it unpack to more than ${unpacked - 1}`)
}

function damaged(archive: string, error: unknown): Error {
  if (error instanceof ContextProblem) return error
  return new ContextProblem(`${archive} cannot be unpacked: ${error instanceof Error ? error.message : error}.`, remake)
}
