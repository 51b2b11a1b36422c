import type { Readable } from 'node:stream'
import { finished } from 'node:stream'

const batchBytes = 1024 * 1024
/** A sender of tiny pieces must not make us keep a million of them. */
const batchPieces = 1000
/** Milliseconds that a piece waits for others: who follows a slow transfer sees it move. */
const patience = 20

/**
 * The pieces of a stream in batches of about 1 MiB: for pieces as small as those of a socket, a promise and a system call
 * for each cost more than the bytes. While one batch is worked on, the next arrives; a slow stream's are smaller. What came
 * before a failure is given out before the failure is thrown. The stream is destroyed at the end.
 */
export async function* batches(source: Readable): AsyncGenerator<readonly Buffer[], void, undefined> {
  let pieces: Buffer[] = []
  let bytes = 0
  let over: { readonly failure: Error | null | undefined } | undefined
  let wake = () => {}
  let waited = false
  let timer: NodeJS.Timeout | undefined
  const full = () => bytes >= batchBytes || pieces.length >= batchPieces
  const ready = () => full() || (waited && pieces.length > 0)
  const waitNoLonger = () => {
    waited = true
    wake()
  }

  finished(source, { writable: false }, (failure) => {
    over = { failure }
    wake()
  })
  source.on('data', (piece: Buffer | Uint8Array | string) => {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece)
    pieces.push(chunk)
    bytes += chunk.length
    timer ??= setTimeout(waitNoLonger, patience)
    if (!full()) return
    source.pause()
    wake()
  })
  try {
    for (;;) {
      while (!ready() && over === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const last = over
      const batch = pieces
      pieces = []
      bytes = 0
      waited = false
      clearTimeout(timer)
      timer = undefined
      if (last === undefined) source.resume()
      if (batch.length > 0) yield batch
      if (last === undefined) continue
      if (last.failure) throw last.failure
      return
    }
  } finally {
    clearTimeout(timer)
    source.destroy()
  }
}
