import { spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import * as zlib from 'node:zlib'
import { imageErrors } from './errors.ts'
import { mediaTypes } from './oci.ts'

/** How layers are compressed. */
export type Compression = 'gzip' | 'zstd'

interface Codec {
  readonly mediaType: string
  /** Whether bytes begin as this codec's do. */
  begins(start: Buffer): boolean
  /** Changes whenever the same bytes would be packed into others. */
  readonly settings: object
  compress(): Duplex
  decompress(): Duplex
}

const chunkSize = 256 * 1024
/** Level 3 of gzip costs half the time of 6 for a few percent more bytes. */
const gzip = { level: 3, chunkSize }
const zstdLevel = 3

/** What Node.js 22.15 and newer have. */
const node = zlib as { createZstdCompress?(options: object): Duplex; createZstdDecompress?(options: object): Duplex }
/** `ZSTD_c_compressionLevel` of zstd.h. */
const levelParameter = 100

/** All ways in which layers come. gzip is Node's own; zstd is Node's from 22.15 on, before that the program's. */
export const codecs: Readonly<Record<Compression, Codec>> = {
  gzip: {
    mediaType: mediaTypes.layerGzip,
    begins: (start) => start[0] === 0x1f && start[1] === 0x8b,
    settings: gzip,
    compress: () => zlib.createGzip(gzip),
    decompress: () => zlib.createGunzip({ chunkSize }),
  },
  zstd: {
    mediaType: mediaTypes.layerZstd,
    begins: (start) => start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528,
    settings: { zstdLevel },
    compress: () =>
      node.createZstdCompress?.({ chunkSize, params: { [levelParameter]: zstdLevel } }) ??
      throughProgram('zstd', ['-q', '-c', `-${zstdLevel}`]),
    decompress: () => node.createZstdDecompress?.({ chunkSize }) ?? throughProgram('zstd', ['-q', '-d', '-c']),
  },
}

/** The codec of bytes that begin so; undefined when they are not compressed. */
export const codecOf = (start: Buffer): Codec | undefined => Object.values(codecs).find((codec) => codec.begins(start))

/** A program as a stream. It ends when the stream is destroyed; what it complains of is the stream's error. */
function throughProgram(name: string, args: readonly string[]): Duplex {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (piece) => {
    said = (said + piece).slice(-1000)
  })
  let failure: Error | undefined
  const ended = new Promise<Error | undefined>((resolve) => {
    child.once('error', (cause) => resolve(imageErrors.ZSTD_MISSING({}, { cause })))
    child.once('close', (code) =>
      resolve(code === 0 ? undefined : new Error(said.trim() || `${name} ended with ${code}`)),
    )
  })
  child.stdin.on('error', () => {}) // the program's own words are told instead
  const stream = new Duplex({
    highWaterMark: chunkSize,
    write: (piece, _encoding, done) => {
      if (child.stdin.write(piece)) done()
      else Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]).then(() => done(failure))
    },
    final: (done) => {
      child.stdin.end(() => done())
    },
    read: () => {
      child.stdout.resume()
    },
    destroy: (error, done) => {
      child.kill('SIGKILL')
      done(error)
    },
  })
  child.stdout.on('data', (piece) => {
    if (!stream.push(piece)) child.stdout.pause()
  })
  ended.then((error) => {
    failure = error
    if (error !== undefined) stream.destroy(error)
    else stream.push(null)
  })
  return stream
}
