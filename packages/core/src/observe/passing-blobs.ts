import { open } from 'node:fs/promises'
import type { BlobStore } from '../image/blobs.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'

/** Brings a blob into the store, and tells how many of its bytes are there. */
export type FetchBlob = (blob: BlobDescriptor, onBytes: (here: number) => void) => Promise<void>

/** The bytes from `start` up to and without `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

const chunk = 256 * 1024

/** Blobs that are handed on while they arrive. Whoever asks for one that is under way follows it: it is fetched once. */
export class PassingBlobs {
  readonly #blobs: BlobStore
  readonly #arriving = new Map<string, Arrival>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /**
   * The bytes of a blob. The last one is kept back until the digest is proven: what turns out to be wrong ends with an error, never as a
   * whole.
   */
  async *read(blob: BlobDescriptor, { start, end }: Span, fetch: FetchBlob): AsyncGenerator<Buffer> {
    const arrival = this.#arriving.get(blob.digest) ?? this.#begin(blob, fetch)
    const { attempt } = arrival
    let sent = start
    while (sent < end) {
      const ready = Math.min(await arrival.beyond(sent), end)
      if (sent > start && arrival.attempt !== attempt) throw new Error(`${blob.digest} is being fetched anew`)
      for await (const piece of this.#piecesOf(blob.digest, { start: sent, end: ready })) {
        sent += piece.length
        yield piece
      }
    }
  }

  #begin(blob: BlobDescriptor, fetch: FetchBlob): Arrival {
    const arrival = new Arrival(blob.size)
    this.#arriving.set(blob.digest, arrival)
    const bring = async () => {
      if (!(await this.#blobs.keep(blob.digest))) await fetch(blob, (here) => arrival.tell(here))
    }
    bring()
      .then(
        () => arrival.complete(),
        (error: unknown) => arrival.fail(error),
      )
      .finally(() => this.#arriving.delete(blob.digest))
    return arrival
  }

  async *#piecesOf(digest: string, { start, end }: Span): AsyncGenerator<Buffer> {
    // In the order in which the file moves, so that it is not missed in between.
    const file = await open(this.#blobs.partialPath(digest)).catch(() => open(this.#blobs.path(digest)))
    try {
      for await (const piece of file.createReadStream({ start, end: end - 1, highWaterMark: chunk, autoClose: false }))
        yield piece as Buffer
    } finally {
      await file.close()
    }
  }
}

/** How far a blob is. */
class Arrival {
  /** Rises when the transfer begins again from an earlier byte: what was read before may have been wrong. */
  attempt = 0
  readonly #size: number
  #here = 0
  #outcome: { readonly error?: unknown } | undefined
  #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#size = size
  }

  tell(here: number): void {
    if (here < this.#here) this.attempt += 1
    this.#here = here
    this.#wake()
  }

  complete(): void {
    this.#outcome = {}
    this.#wake()
  }

  fail(error: unknown): void {
    this.#outcome = { error }
    this.#wake()
  }

  /** Waits until bytes beyond an offset may be read, and says up to where. Throws what the transfer failed with. */
  async beyond(offset: number): Promise<number> {
    for (;;) {
      if (this.#outcome?.error !== undefined) throw this.#outcome.error
      if (this.#outcome !== undefined) return this.#size
      const ready = Math.min(this.#here, this.#size - 1)
      if (ready > offset) return ready
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
