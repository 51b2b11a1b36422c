import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'
import { SealerError } from '../errors.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { BlobStore } from './blobs.ts'
import type { RootfsLayer } from './cluster-config.ts'
import { type Compression, codecs } from './codec.ts'
import { fileStamp } from './layer-digests.ts'
import { hashing } from './tar-file.ts'

/** What stands at a path of a layer. Paths are relative to the root of the image: `etc/x`. */
export type LayerEntry =
  | (EntryBase & {
      readonly kind: 'folder'
      /** Whether it hides what lower layers have in it. */
      readonly opaque?: true
    })
  /** Another name of a file of the same layer, whose path is smaller. */
  | (EntryBase & { readonly kind: 'hardlink'; readonly target: string })
  /** Nothing stands here, whatever lower layers have. */
  | (EntryBase & { readonly kind: 'whiteout' })
  | (EntryBase & { readonly kind: 'link'; readonly target: string })
  | (EntryBase & {
      readonly kind: 'file'
      /** Where the content is read from. */
      readonly source: string
      /** Bytes. */
      readonly size: number
      readonly digest: string
      /** What the file system said when the digest was taken. */
      readonly stamp: string
    })

type FileEntry = Extract<LayerEntry, { kind: 'file' }>
type TarHeader = Partial<Header> & { readonly name: string }

interface EntryBase {
  readonly path: string
  /** Permission bits, set-uid and its like included. */
  readonly mode: number
  readonly owner: { readonly uid: number; readonly gid: number }
  /** Extended attributes, values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>
}

/** What a layer is made of, and how. */
export interface LayerRecipe {
  readonly entries: readonly LayerEntry[]
  /** Time of every entry, in seconds since 1970. */
  readonly mtime: number
  /** gzip when nothing is said. */
  readonly compression?: Compression
}

/** In the order of a layer's tar: by code units, so that a folder comes before what is in it. */
export const byPath = (a: { readonly path: string }, b: { readonly path: string }): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : 0

/**
 * Packs a layer straight into the store, in one pass and with little memory. Equal recipes give equal tars on every machine, and equal
 * compressed bytes with the same zlib or zstd.
 * @throws CONTEXT_FILE_CHANGED when a file is no longer what its digest was taken of
 */
export async function packLayer(recipe: LayerRecipe, blobs: BlobStore, signal?: AbortSignal): Promise<RootfsLayer> {
  const tar = pack()
  const uncompressed = createHash('sha256')
  const { mediaType, compress } = codecs[recipe.compression ?? 'gzip']
  const compressed = compress()
  const writing = writeEntries(tar, recipe).catch((error: Error) => {
    tar.destroy(error)
    throw error
  })
  const pumping = pipeline(tar, hashing(uncompressed), compressed, signal === undefined ? {} : { signal })
  const storing = blobs.put(compressed, {}, signal)
  const [written] = await Promise.allSettled([writing, storing, pumping])
  signal?.throwIfAborted()
  if (written.status === 'rejected' && SealerError.is(written.reason)) throw written.reason
  const blob = await storing // any other failure has come through to the end
  return { blob: { mediaType, ...blob }, diffId: `sha256:${uncompressed.digest('hex')}` }
}

async function writeEntries(tar: Pack, { entries, mtime }: LayerRecipe): Promise<void> {
  for (const entry of entries.toSorted(byPath)) {
    const header = { name: entry.path, mode: entry.mode, mtime: new Date(mtime * 1000), ...entry.owner }
    const name = entry.xattrs === undefined ? entry.path : writeXattrs(tar, entry.path, entry.xattrs)
    switch (entry.kind) {
      case 'folder':
        await write(tar, { ...header, type: 'directory', name: `${name}/` })
        if (entry.opaque) await write(tar, { ...mark(header), name: `${entry.path}/.wh..wh..opq` })
        break
      case 'link':
        await write(tar, { ...header, type: 'symlink', linkname: entry.target })
        break
      case 'hardlink':
        await write(tar, { ...header, type: 'link', linkname: entry.target })
        break
      case 'whiteout':
        await write(tar, { ...mark(header), name: whiteoutOf(entry.path) })
        break
      case 'file':
        await writeFile(tar, { ...header, name, type: 'file', size: entry.size }, entry)
    }
  }
  tar.finalize()
}

/** Writes an entry without content. */
function write(tar: Pack, header: TarHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    tar.entry(header, '', done).on('error', () => {}) // the tar's error is the one that is told
  })
}

/** An empty file whose name says something (image-spec, layer.md, whiteouts). */
const mark = (header: TarHeader): TarHeader => ({ ...header, mode: 0o644, type: 'file', size: 0 })

function whiteoutOf(path: string): string {
  const { dir, base } = posix.parse(path)
  return posix.join(dir, `.wh.${base}`)
}

/** Longest name, in bytes, that a tar header holds itself, with a slash. */
const longestName = 99

/**
 * Writes a pax header with extended attributes, as GNU tar and containerd name them. Their values are bytes, which tar-stream's own pax headers
 * cannot hold. An entry has one pax header, so a long name stands in it, too, and the entry comes with the short one that is returned.
 */
function writeXattrs(tar: Pack, path: string, xattrs: Readonly<Record<string, string>>): string {
  const plain = /^[\x20-\x7e]*$/.test(path) && path.length < longestName
  const records = [
    ...(plain ? [] : [paxRecord('path', Buffer.from(path))]),
    ...Object.keys(xattrs)
      .sort()
      .map((name) => paxRecord(`SCHILY.xattr.${name}`, Buffer.from(xattrs[name] ?? '', 'base64'))),
  ]
  const body = Buffer.concat(records)
  tar.push(paxHeader(body.length))
  tar.push(Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]))
  return plain ? path : 'long-name'
}

/** A tar header of type `x` (POSIX ustar). */
function paxHeader(size: number): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  header.write('PaxHeader', 0)
  header.write(octal(0o644, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11), 100)
  header.write('        x', 148) // blanks instead of the sum, while it is taken
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** `LENGTH NAME=VALUE\n`, where the length counts itself (POSIX pax, extended header). */
function paxRecord(name: string, value: Buffer): Buffer {
  const bare = Buffer.concat([Buffer.from(` ${name}=`), value, Buffer.from('\n')])
  let length = bare.length + 1
  while (String(length).length + bare.length !== length) length++
  return Buffer.concat([Buffer.from(String(length)), bare])
}

async function writeFile(tar: Pack, header: TarHeader, { source, size, stamp }: FileEntry): Promise<void> {
  const target = begin(tar, header)
  const content =
    size === 0 ? Readable.from([]) : createReadStream(source, { highWaterMark: 1024 * 1024, end: size - 1 })
  await pipeline(content, target).catch((cause: Error) => {
    throw cause.message === 'Size mismatch' ? buildErrors.CONTEXT_FILE_CHANGED({ file: source }, { cause }) : cause
  })
  if ((await fileStamp(source)) !== stamp) throw buildErrors.CONTEXT_FILE_CHANGED({ file: source })
}

/** An entry that is cut off by an error of the whole tar says so too; the tar's error is the one that is told. */
function begin(tar: Pack, header: TarHeader) {
  return tar.entry(header).on('error', () => {})
}
