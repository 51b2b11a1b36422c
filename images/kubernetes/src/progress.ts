/** Lines for the person who waits: one when a part begins, one every half minute, one when it is there. */
export class Progress {
  readonly #total: number
  readonly #write: (line: string) => void
  #done = 0

  constructor(total: number, write: (line: string) => void = console.error) {
    this.#total = total
    this.#write = write
  }

  /** Answers with what `work` answers; `made` tells whether there was anything to do. */
  async part<Result extends { readonly made: boolean }>(title: string, work: () => Promise<Result>): Promise<Result> {
    this.#done += 1
    const place = `[${this.#done}/${this.#total}] ${title}`
    const start = performance.now()
    const seconds = () => Math.round((performance.now() - start) / 1000)
    const first = setTimeout(() => this.#write(`${place} …`), 500)
    const again = setInterval(() => this.#write(`${place} … ${seconds()} s`), 30_000)
    try {
      const result = await work()
      this.#write(`${place}: ${result.made ? `${seconds()} s` : 'there already'}`)
      return result
    } finally {
      clearTimeout(first)
      clearInterval(again)
    }
  }
}
