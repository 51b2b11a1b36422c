import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { digestSchema } from '../image/schemas.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { Logger } from '../logger.ts'
import type { LockOptions } from '../sealer.ts'

/** What is pinned: `FROM`, or the container images that are carried. */
type Section = 'base' | 'images'

const pinsSchema = z.record(z.string().max(512), z.record(z.string().max(128), digestSchema))
const lockSchema = z.strictObject({ version: z.literal(1), base: pinsSchema, images: pinsSchema })
type LockText = z.infer<typeof lockSchema>
type Pins = LockText[Section]

/**
 * The lock file of a build: which digest each tag meant, for each platform. Format: docs/design/lock-file.md. A name with a
 * digest of its own needs no pin.
 */
export class LockFile {
  readonly #options: LockOptions
  readonly #before: LockText
  readonly #used: LockText = { version: 1, base: {}, images: {} }
  readonly #renewed: ReadonlySet<string> | 'all'

  private constructor(options: LockOptions, before: LockText) {
    this.#options = options
    this.#before = before
    const { update = [] } = options
    this.#renewed =
      typeof update === 'boolean'
        ? update
          ? 'all'
          : new Set()
        : new Set(update.map((name) => fullName(parseReference(name))))
  }

  /**
   * A file that is not there has no pins.
   * @throws LOCK_INVALID, LOCK_MISSING when it is to be kept to
   */
  static async open(options: LockOptions): Promise<LockFile> {
    const { file } = options
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw buildErrors.LOCK_INVALID({ file, reason: cause.message }, { cause })
      if (options.locked === true) throw buildErrors.LOCK_MISSING({ file })
      return undefined
    })
    return new LockFile(options, text === undefined ? { version: 1, base: {}, images: {} } : read(file, text))
  }

  /**
   * The name with the digest that the lock file pins; the name itself when nothing is pinned, or a new digest is wanted.
   */
  pinned(section: Section, reference: string, platform: Platform): string {
    const pin = this.#renews(reference) ? undefined : this.#before[section][reference]?.[platformText(platform)]
    return pin === undefined || hasDigest(reference) ? reference : `${reference}@${pin}`
  }

  /** Whether the registry is to be asked what a name means today. */
  renews(reference: string): boolean {
    return this.#renews(reference) && !hasDigest(reference)
  }

  /**
   * Refuses names that a locked build cannot know.
   * @throws LOCK_LACKS
   */
  requireAll(section: Section, references: readonly string[], platform: Platform): void {
    if (this.#options.locked !== true) return
    const lacking = references.filter((name) => !hasDigest(name) && this.pinned(section, name, platform) === name)
    if (lacking.length === 0) return
    throw buildErrors.LOCK_LACKS({ file: this.#options.file, names: lacking, platform: platformText(platform) })
  }

  /** Remembers what a name meant in this build. */
  use(section: Section, reference: string, platform: Platform, digest: string): void {
    if (hasDigest(reference)) return
    this.#used[section][reference] = { ...this.#used[section][reference], [platformText(platform)]: digest }
  }

  /**
   * Writes what this build has used; what it did not need is dropped, other platforms stay. Nothing is written when nothing
   * changed, or when the build was to keep to the file.
   */
  async save(platforms: readonly Platform[], logger: Logger): Promise<void> {
    const { file, locked } = this.#options
    if (locked === true) return
    if (this.#renewed !== 'all') {
      for (const name of this.#renewed)
        if (this.#used.base[name] === undefined && this.#used.images[name] === undefined)
          logger.warn(`${file}: ${name} was to be renewed, but this build does not use it.`)
    }
    const built = new Set(platforms.map(platformText))
    const after = {
      version: 1 as const,
      base: merged(this.#before.base, this.#used.base, built),
      images: merged(this.#before.images, this.#used.images, built),
    }
    const text = textOf(after)
    if (text === textOf(this.#before)) return
    const draft = `${file}.${randomUUID()}`
    try {
      await writeFile(draft, text)
      await rename(draft, file)
    } catch (error) {
      logger.warn(`${file} cannot be written, so the next build may carry other images: ${(error as Error).message}`)
    } finally {
      await rm(draft, { force: true }).catch(() => {})
    }
  }

  #renews(reference: string): boolean {
    return this.#renewed === 'all' || this.#renewed.has(reference)
  }
}

function read(file: string, text: string): LockText {
  const invalid = (reason: string, cause?: unknown) => buildErrors.LOCK_INVALID({ file, reason }, { cause })
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw invalid(/^<{7} /m.test(text) ? 'it holds the marks of a merge conflict' : (cause as Error).message, cause)
  }
  const version = (parsed as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > 1) throw invalid('a newer sealer has written it')
  const checked = lockSchema.safeParse(parsed)
  const [issue] = checked.error?.issues ?? []
  if (checked.data === undefined) throw invalid(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim())
  return checked.data
}

/** Pins of built platforms are replaced by those used, pins of others stay. */
function merged(before: Pins, used: Pins, built: ReadonlySet<string>): Pins {
  const names = [...new Set([...Object.keys(before), ...Object.keys(used)])]
  const all = names.map((name) => {
    const others = Object.entries(before[name] ?? {}).filter(([platform]) => !built.has(platform))
    return [name, { ...Object.fromEntries(others), ...used[name] }] as const
  })
  return Object.fromEntries(all.filter(([, pins]) => Object.keys(pins).length > 0))
}

/** Sorted, one pin a line: two builds of the same give the same bytes, and a change is one line in a review. */
function textOf({ version, base, images }: LockText): string {
  const sorted = (pins: Pins) =>
    Object.fromEntries(
      Object.keys(pins)
        .sort()
        .map((name) => [name, Object.fromEntries(Object.entries(pins[name] ?? {}).sort())]),
    )
  return `${JSON.stringify({ version, base: sorted(base), images: sorted(images) }, undefined, 2)}\n`
}

const hasDigest = (reference: string): boolean => parseReference(reference).digest !== undefined
