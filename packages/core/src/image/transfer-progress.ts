import type { OnTransfer } from '../sealer.ts'
import type { StoredBlob } from './blobs.ts'

/** Adds up what many blobs report at once. A blob that has to begin again never makes the sum shrink. */
export class TransferProgress {
  readonly #here = new Map<string, number>()
  readonly #total: number
  readonly #what: string
  readonly #onProgress: OnTransfer | undefined
  #done = 0

  constructor(what: string, total: number, onProgress: OnTransfer | undefined) {
    this.#what = what
    this.#total = total
    this.#onProgress = onProgress
  }

  /** Bytes of this blob that have arrived so far. */
  readonly onBytes = (blob: StoredBlob, bytes: number): void => {
    const before = this.#here.get(blob.digest) ?? 0
    if (bytes <= before) return
    this.#here.set(blob.digest, bytes)
    this.#done += bytes - before
    this.#onProgress?.({ done: this.#done, total: this.#total, what: this.#what })
  }
}
