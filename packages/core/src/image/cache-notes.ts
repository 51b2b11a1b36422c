import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Small facts that can be found out again, kept as JSON files in a folder. Several processes may write: each note appears as a whole. */
export class CacheNotes {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was written under a key; undefined when it is not there or cannot be read, which is the same. */
  async read<T>(key: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(this.#place(key), 'utf8')) as T
    } catch {
      return undefined
    }
  }

  async write<T>(key: string, note: T): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const draft = `${this.#place(key)}.${randomUUID()}`
    await writeFile(draft, JSON.stringify(note))
    await rename(draft, this.#place(key))
  }

  #place(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 40)}.json`)
  }
}
