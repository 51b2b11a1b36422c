/** A Go module that is compiled into a program. */
export interface GoModule {
  readonly path: string
  /** As Go writes it, `v1.2.3`; absent for a program's own module when it was built from a checkout. */
  readonly version?: string
}

/** What a Go program says of its build (debug/buildinfo of Go's standard library describes the format). */
export interface GoBuildInfo {
  /** Of the compiler and the standard library, e.g. `go1.26.8`. */
  readonly go: string
  readonly modules: readonly GoModule[]
}

const magic = Buffer.from('\xff Go buildinf:', 'latin1')
const headerBytes = 32
/** Bit of the flags: the texts follow the header, which is so since Go 1.18. */
const inline = 2
/** The list of modules stands between two marks of this many bytes. */
const markBytes = 16
/** Kubernetes' own lists have some tens of kilobytes. */
const mostBytes = 1024 * 1024
const mostModules = 5000

/** Finds the build information in the bytes of a program as they pass; keeps no more of them than the information may be long. */
export class GoBuildInfoFinder {
  #held = Buffer.alloc(0)
  #found: GoBuildInfo | undefined

  take(piece: Buffer): void {
    if (this.#found !== undefined) return
    this.#held = Buffer.concat([this.#held, piece])
    this.#search(false)
  }

  /** At the end of the file. */
  result(): GoBuildInfo | undefined {
    if (this.#found === undefined) this.#search(true)
    return this.#found
  }

  #search(ended: boolean): void {
    for (;;) {
      const at = this.#held.indexOf(magic)
      if (at < 0) {
        this.#held = this.#held.subarray(Math.max(0, this.#held.length - magic.length))
        return
      }
      this.#held = this.#held.subarray(at)
      if (!ended && this.#held.length < mostBytes) return
      this.#found = readBuildInfo(this.#held.subarray(0, mostBytes))
      if (this.#found !== undefined) return
      this.#held = this.#held.subarray(1) // the mark alone, as programs that read build information hold it
    }
  }
}

/** Reads build information that begins at the first byte; undefined if it is none. */
export function readBuildInfo(bytes: Buffer): GoBuildInfo | undefined {
  const [pointer = 0, flags = 0] = bytes.subarray(magic.length, magic.length + 2)
  if (bytes.length < headerBytes || ![4, 8].includes(pointer) || (flags & inline) === 0) return undefined
  const version = textAt(bytes, headerBytes)
  if (version === undefined || !/^(go1|devel )[\x20-\x7e]{0,100}$/.test(version.text)) return undefined
  const list = textAt(bytes, version.end)
  const modules = list === undefined ? '' : list.text.slice(markBytes, -markBytes)
  return { go: version.text, modules: modulesIn(modules) }
}

/** A length as a varint (encoding/binary), then that many bytes. */
function textAt(bytes: Buffer, start: number): { readonly text: string; readonly end: number } | undefined {
  let length = 0
  let at = start
  for (let shift = 0; ; shift += 7, at++) {
    const byte = bytes[at]
    if (byte === undefined || shift > 28) return undefined
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  const begin = at + 1
  if (begin + length > bytes.length) return undefined
  return { text: bytes.toString('latin1', begin, begin + length), end: begin + length }
}

/** Lines of tabs: `mod` and `dep` name a module, `=>` what replaces the one before it. */
function modulesIn(text: string): GoModule[] {
  const modules: GoModule[] = []
  for (const line of text.split('\n')) {
    const [kind, path = '', version = ''] = line.split('\t')
    if (kind === '=>') modules.pop()
    if ((kind === 'mod' || kind === 'dep' || kind === '=>') && /^[\x21-\x7e]{1,300}$/.test(path))
      modules.push(/^v[\x21-\x7e]{1,200}$/.test(version) ? { path, version } : { path })
    if (modules.length >= mostModules) break
  }
  return modules
}
