import { StringDecoder } from 'node:string_decoder'

const tailLines = 15
const longestLine = 16 * 1024
/** Letters of a line that an error shows. */
const longestShown = 1_000

/** Cuts a stream into lines, without their ends; a line that never ends is cut where it gets too long. */
export function lineCutter(onLine: (line: string) => void): { take(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8')
  let open = ''
  const cut = (text: string) => {
    const lines = (open + text).split('\n')
    open = lines.pop() ?? ''
    for (const line of lines) onLine(line.replace(/\r$/, ''))
    while (open.length > longestLine) {
      onLine(open.slice(0, longestLine))
      open = open.slice(longestLine)
    }
  }
  return {
    take: (chunk) => cut(decoder.write(chunk)),
    end: () => {
      cut(decoder.end())
      if (open !== '') onLine(open)
      open = ''
    },
  }
}

/** Keeps the last lines of a command for the error that may come. */
export class Tail {
  readonly #lines: string[] = []

  add(line: string): void {
    if (line.trim() === '') return
    this.#lines.push(line)
    if (this.#lines.length > tailLines) this.#lines.shift()
  }

  /** Masked before it is cut: a half of a secret would not be recognized. */
  text(mask: (text: string) => string): string {
    return this.#lines
      .map((line) => mask(plainText(line)).slice(0, longestShown).trimEnd())
      .filter((line) => line !== '')
      .join('\n')
  }
}

/** Without colours and control characters: a host's output must not steer the operator's terminal. */
export const plainText = (text: string): string =>
  text.replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
