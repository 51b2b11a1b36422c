import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { holdLock } from '../image/lock.ts'
import { parseReference } from '../image/reference.ts'
import { parseJson } from '../image/schemas.ts'
import { trustErrors } from './errors.ts'
import type { Vouching } from './judge.ts'
import { maxKeyBytes, readPublicKey } from './keys.ts'
import { matches, readPattern } from './name-pattern.ts'

/** A key that this machine trusts, and for which images. */
export interface TrustedKey extends Vouching {
  /** Images that must be signed by this key, or by another one that is trusted for them. */
  readonly for: string
}

/** Written strictly and read strictly: a rule that is not understood must not be passed over. */
const fileSchema = z.strictObject({
  version: z.literal(1),
  keys: z
    .array(
      z.strictObject({
        for: z.string(),
        key: z.string().max(maxKeyBytes),
        identity: z.string().exactOptional(),
        until: z.iso.datetime().exactOptional(),
      }),
    )
    .max(1000),
})
type TrustFile = z.infer<typeof fileSchema>

/** `trust.json` of a home: whom this machine trusts. A file that cannot be read stops everything that would ask it. */
export class TrustedKeys {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** @throws TRUST_FILE_INVALID */
  async list(): Promise<readonly TrustedKey[]> {
    return (await this.#read()).keys.map((entry) => this.#keyOf(entry))
  }

  /** Keys that may vouch for an image; none: nobody has said anything of its name. @throws TRUST_FILE_INVALID */
  async for(image: string): Promise<readonly TrustedKey[]> {
    const name = parseReference(image)
    return (await this.list()).filter((one) => matches(one.for, name))
  }

  /** Adds a key; one that is there for the same images is replaced. */
  async add(added: TrustedKey): Promise<void> {
    await this.#change((keys) => [
      ...keys.filter((entry) => !(entry.for === added.for && this.#keyOf(entry).key.id === added.key.id)),
      {
        for: added.for,
        key: added.key.text,
        ...(added.identity === undefined ? {} : { identity: added.identity }),
        ...(added.until === undefined ? {} : { until: new Date(added.until).toISOString() }),
      },
    ])
  }

  /**
   * Takes a key away, for all images or for those of one rule.
   * @param id the beginning of its id
   * @throws TRUSTED_KEY_NOT_FOUND
   */
  async remove(id: string, pattern?: string): Promise<number> {
    let removed = 0
    await this.#change((keys) => {
      const left = keys.filter(
        (entry) => !(this.#keyOf(entry).key.id.startsWith(id) && (pattern === undefined || entry.for === pattern)),
      )
      removed = keys.length - left.length
      if (removed === 0) throw trustErrors.TRUSTED_KEY_NOT_FOUND({ key: id })
      return left
    })
    return removed
  }

  #keyOf({ key, for: pattern, identity, until }: TrustFile['keys'][number]): TrustedKey {
    try {
      return {
        key: readPublicKey(key, this.#file),
        for: readPattern(pattern, 'for'),
        ...(identity === undefined ? {} : { identity: readPattern(identity, 'identity') }),
        ...(until === undefined ? {} : { until: Date.parse(until) }),
      }
    } catch (cause) {
      throw this.#invalid(cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause), cause)
    }
  }

  #invalid(reason: string, cause?: unknown): Error {
    return trustErrors.TRUST_FILE_INVALID({ file: this.#file, reason }, cause === undefined ? {} : { cause })
  }

  async #read(): Promise<TrustFile> {
    const bytes = await readFile(this.#file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw this.#invalid(error.message, error)
    })
    if (bytes === undefined) return { version: 1, keys: [] }
    return parseJson(fileSchema, bytes, (reason) => this.#invalid(reason))
  }

  async #change(change: (keys: TrustFile['keys']) => TrustFile['keys']): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
    await using _lock = await holdLock(`${this.#file}.lock`, { patience: 10_000 })
    const { keys } = await this.#read()
    const draft = `${this.#file}.${randomUUID()}`
    try {
      const file = await open(draft, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify({ version: 1, keys: change(keys) }, undefined, 2)}\n`)
      await file.sync()
      await file.close()
      await rename(draft, this.#file)
    } finally {
      await rm(draft, { force: true })
    }
  }
}
