/** Lets a few in at once; the others wait in line. */
export class Turns {
  #free: number
  readonly #line: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  /** Resolves when it is one's turn, with what ends it. An abort leaves the line. */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#wait(signal)
    let over = false
    return () => {
      if (over) return
      over = true
      const next = this.#line.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.splice(this.#line.indexOf(enter), 1)
        reject(signal?.reason)
      }
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      this.#line.push(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}
