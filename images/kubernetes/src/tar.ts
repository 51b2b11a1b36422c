import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { posix } from 'node:path'

/** What stands at a path inside a layer. */
export type Entry =
  | { readonly kind: 'file'; readonly source: string; readonly mode: number }
  | { readonly kind: 'text'; readonly text: string; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'folder'; readonly mode: number }

/** Entries by their path, which is relative: `usr/bin/x`. */
export type Entries = Readonly<Record<string, Entry>>

const block = 512

/**
 * A tar archive (POSIX ustar) that depends on nothing but the entries: sorted by path, parents first, owner root, time 0.
 * @throws if a path is longer than the format can say.
 */
export async function* tar(entries: Entries): AsyncGenerator<Buffer> {
  const all: Entries = { ...parentsOf(Object.keys(entries)), ...entries }
  for (const path of Object.keys(all).sort()) {
    const entry = all[path] as Entry
    if (entry.kind === 'folder') yield header(`${path}/`, '5', entry.mode, 0)
    if (entry.kind === 'link') yield header(path, '2', 0o777, 0, entry.target)
    if (entry.kind === 'text') {
      const content = Buffer.from(entry.text)
      yield header(path, '0', entry.mode, content.length)
      yield content
      yield padding(content.length)
    }
    if (entry.kind === 'file') {
      const { size } = await stat(entry.source)
      yield header(path, '0', entry.mode, size)
      yield* createReadStream(entry.source, { highWaterMark: 1 << 20, end: Math.max(size - 1, 0) })
      yield padding(size)
    }
  }
  yield Buffer.alloc(2 * block)
}

function parentsOf(paths: readonly string[]): Record<string, Entry> {
  const parents: Record<string, Entry> = {}
  for (const path of paths) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      parents[parent] = { kind: 'folder', mode: 0o755 }
    }
  }
  return parents
}

function padding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block)
}

function header(path: string, type: string, mode: number, size: number, link = ''): Buffer {
  const buffer = Buffer.alloc(block)
  const { prefix, name } = split(path)
  if (Buffer.byteLength(link) > 100) throw new Error(`The link target ${link} is too long for a tar header.`)
  buffer.write(name, 0)
  buffer.write(octal(mode, 8), 100)
  buffer.write(octal(0, 8), 108)
  buffer.write(octal(0, 8), 116)
  buffer.write(octal(size, 12), 124)
  buffer.write(octal(0, 12), 136)
  buffer.write('        ', 148) // counts as blanks in its own sum
  buffer.write(type, 156)
  buffer.write(link, 157)
  buffer.write('ustar\x0000', 257)
  buffer.write(prefix, 345)
  const sum = buffer.reduce((total, byte) => total + byte, 0)
  buffer.write(`${octal(sum, 7)} `, 148)
  return buffer
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}

/** A path of up to 100 bytes goes into the name, a longer one is cut at a slash into prefix and name. */
function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  for (let cut = path.indexOf('/'); cut !== -1; cut = path.indexOf('/', cut + 1)) {
    const prefix = path.slice(0, cut)
    const name = path.slice(cut + 1)
    if (Buffer.byteLength(prefix) <= 155 && name !== '' && Buffer.byteLength(name) <= 100) return { prefix, name }
  }
  throw new Error(`The path ${path} is too long for a tar header.`)
}
