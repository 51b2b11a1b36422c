import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageOrigin } from './image-store.ts'
import { isDigest } from './reference.ts'

const origins: readonly string[] = ['built', 'pulled', 'loaded'] satisfies readonly ImageOrigin[]

/**
 * How the images of a store came there, by digest: a file each. Only sealer writes here, never from what an archive or a registry
 * says; names have no part in it, so a second name of a pulled image does not make it another one.
 */
export class Origins {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async of(digest: string): Promise<ImageOrigin | undefined> {
    const text = await readFile(this.#file(digest), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    return isOrigin(text) ? text : undefined
  }

  /** The first word stays, but for `built`: what was made here has been made here, wherever else it came from. */
  async note(digest: string, origin: ImageOrigin): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const draft = `${this.#file(digest)}.${randomUUID()}`
    try {
      const file = await open(draft, 'wx', 0o644)
      await file.writeFile(origin)
      await file.sync()
      await file.close()
      if (origin === 'built') await rename(draft, this.#file(digest))
      else await link(draft, this.#file(digest)).catch(unlessThere)
    } finally {
      await rm(draft, { force: true })
    }
  }

  async forget(digest: string): Promise<void> {
    await rm(this.#file(digest), { force: true })
  }

  #file(digest: string): string {
    if (!isDigest(digest)) throw new Error(`${digest.slice(0, 80)} is no digest`)
    return join(this.#folder, digest.slice('sha256:'.length))
  }
}

const isOrigin = (text: string): text is ImageOrigin => origins.includes(text)

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
