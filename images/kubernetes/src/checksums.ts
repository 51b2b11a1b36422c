import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'

/**
 * The sha256 of each release file that has been used, by its URL. A file that is in the list has to have that sum. One that
 * is not is taken at the word of its makers' own list of sums, and entered: trust on first use.
 */
export class Checksums {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** The sum that a file has to have; `published` fetches the makers' list and is asked only if it is not known yet. */
  async expected(url: string, published: () => Promise<string>): Promise<string> {
    return (await this.#read())[url] ?? sumOf(await published(), basename(url))
  }

  /** Enters the sum of a file that has been checked. */
  async enter(url: string, sum: string): Promise<void> {
    const all = { ...(await this.#read()), [url]: sum }
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)))
    await writeFile(this.#file, `${JSON.stringify(sorted, undefined, 2)}\n`)
  }

  async #read(): Promise<Record<string, string>> {
    return JSON.parse(await readFile(this.#file, 'utf8').catch(() => '{}'))
  }
}

/** Finds a file's sum in what its makers publish. @throws if it is not there. */
export function sumOf(list: string, name: string): string {
  const lines = list.trim().split('\n')
  const [first = ''] = lines
  if (lines.length === 1 && /^[0-9a-f]{64}$/.test(first.trim())) return first.trim()
  for (const line of lines) {
    const [, sum, file] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line.trim()) ?? []
    if (sum !== undefined && file !== undefined && basename(file) === name) return sum
  }
  throw new Error(`There is no sha256 sum of ${name} in what its makers publish.`)
}
