import { StringDecoder } from 'node:string_decoder'

const tailLines = 15
const longestLine = 16 * 1024

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
  #lines: string[] = []

  add(line: string): void {
    const text = plainText(line).trimEnd()
    if (text !== '') this.#lines = [...this.#lines.slice(1 - tailLines), text]
  }

  get text(): string {
    return this.#lines.join('\n')
  }
}

/** Without colours and control characters: a host's output must not steer the operator's terminal. */
export const plainText = (text: string): string =>
  text.replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
