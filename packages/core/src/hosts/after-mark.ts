const newline = 0x0a
/** More talk than this before the mark is not kept. */
const mostKept = 64 * 1024

/** Splits a stream at the line that starts with a mark: talk before it, the rest of that line, the payload after it. */
export class AfterMark {
  readonly #mark: Buffer
  #before = Buffer.alloc(0)
  #line: string | undefined

  constructor(mark: string) {
    this.#mark = Buffer.from(mark)
  }

  /** What follows the mark on its line; undefined until the mark is seen. */
  get line(): string | undefined {
    return this.#line
  }

  /** What came before the mark, or all there is while no mark is seen. */
  get before(): string {
    return this.#before.toString('utf8')
  }

  /** Takes a piece of the stream and gives what of it lies behind the mark. */
  take(chunk: Buffer): Buffer {
    if (this.#line !== undefined) return chunk
    const seen = Buffer.concat([this.#before, chunk])
    const at = seen.indexOf(this.#mark)
    const end = at < 0 ? -1 : seen.indexOf(newline, at)
    this.#before = end < 0 ? seen.subarray(-mostKept) : seen.subarray(0, at)
    if (end < 0) return Buffer.alloc(0)
    this.#line = seen.toString('utf8', at + this.#mark.length, end).trim()
    return seen.subarray(end + 1)
  }
}
