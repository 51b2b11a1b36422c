import type { OnTransfer } from '@sealer/core'
import type { CliContext } from '../context.ts'
import { bytesText } from '../measures.ts'
import { printable } from '../printable.ts'

/** Shows bytes moved; what is on the screen goes away at the end. */
export interface Transfer extends Disposable {
  readonly onProgress: OnTransfer
}

const redrawEvery = 100
const toldEvery = 10_000

/** One redrawn line on a terminal, a line every ten seconds elsewhere, nothing for programs. */
export function showTransfer({ terminal, format }: CliContext, quiet = false): Transfer {
  if (format === 'json' || quiet) return { onProgress: () => {}, [Symbol.dispose]: () => {} }
  let last = Date.now() - (terminal.live ? redrawEvery : 0)
  let drawn = false
  return {
    onProgress: ({ done, total, what }) => {
      const now = Date.now()
      if (now - last < (terminal.live ? redrawEvery : toldEvery)) return
      last = now
      const line = `${bytesText(done)} of ${bytesText(total)}  ${printable(what)}`
      if (terminal.live) terminal.stderr(`\r\u001b[K${line.slice(0, terminal.columns - 1)}`)
      else terminal.stderr(`${line}\n`)
      drawn = terminal.live
    },
    [Symbol.dispose]: () => {
      if (drawn) terminal.stderr('\r\u001b[K')
    },
  }
}
