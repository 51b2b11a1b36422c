import { createHash, randomUUID } from 'node:crypto'
import { join, posix } from 'node:path'
import { SealerError } from '../errors.ts'
import type { LayerEntry } from '../image/layer.ts'
import { fileStamp } from '../image/layer-digests.ts'
import type { Logger } from '../logger.ts'
import { type BuildContext, ContextProblem, type CopyOptions, type FileSource } from './context.ts'
import { problemAt } from './errors.ts'
import { expand } from './expand.ts'
import { keepText } from './keep-file.ts'
import type { Kubefile, Position } from './kubefile.ts'
import type { Variables, Word } from './words.ts'

/** Mode of a file that does not come from the context. */
const newFile = 0o644

type FileEntry = Extract<LayerEntry, { kind: 'file' }>

/** What instructions that bring files work with. */
export interface SceneInput {
  readonly kubefile: Kubefile
  readonly context: BuildContext
  /** Folder that keeps downloads. */
  readonly downloads: string
  readonly logger: Logger
  /** The files of an image for the platform that is built; `place` is who asks. */
  readonly imageFiles: (reference: string, place: string) => Promise<FileSource>
  readonly signal?: AbortSignal
}

/** A Kubefile that is being executed: its words become text, its problems show their line, its files are found. */
export class Scene {
  readonly context: BuildContext
  readonly #input: SceneInput
  readonly #variables: Variables

  constructor(input: SceneInput, variables: Variables) {
    this.context = input.context
    this.#input = input
    this.#variables = variables
  }

  /** A word with its variables put in. */
  readonly text = (word: Word): string => expand(word, this.#variables, this.#input.kubefile)

  problem(at: Position, reason: string, remedy: string): SealerError {
    return problemAt(this.#input.kubefile, at, reason, remedy)
  }

  warn(at: Position, reason: string): void {
    this.#input.logger.warn(`${at.file}:${at.line}: ${reason}`)
  }

  /** Does something with the build context; its problems are those of the word. */
  inContext<T>(word: Word, work: (context: BuildContext) => Promise<T>): Promise<T> {
    return this.within(this.context, word, work)
  }

  /** As {@link inContext}, with files that may be an image's. */
  async within<Files extends FileSource, T>(files: Files, word: Word, work: (files: Files) => Promise<T>): Promise<T> {
    try {
      return await work(files)
    } catch (error) {
      if (error instanceof ContextProblem) throw this.problem(word.at, error.message, error.remedy)
      const { code, path } = error as NodeJS.ErrnoException
      if (code === undefined || path === undefined) throw error
      throw this.problem(
        word.at,
        `${path} cannot be read (${code}).`,
        'Make it readable for you, or take it out of the context.',
      )
    }
  }

  /** The files of an image, for COPY --from. */
  async imageFiles(word: Word): Promise<FileSource> {
    const reference = this.text(word)
    try {
      return await this.#input.imageFiles(reference, `${word.at.file}:${word.at.line}`)
    } catch (error) {
      if (!SealerError.is(error) || error.code !== 'REFERENCE_INVALID') throw error
      throw this.problem(word.at, error.message, error.hint)
    }
  }

  /** The text of a checksum. */
  checksum(at: Position, text: string): string {
    if (/^sha256:[0-9a-f]{64}$/.test(text)) return text
    throw this.problem(at, `"${text}" is not a checksum.`, 'Write sha256: and 64 hex digits, as sha256sum prints them.')
  }

  /** A file fetched from a URL, as it stands in the image. @throws DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM */
  async fetched(
    { url, at }: { readonly url: string; readonly at: Position },
    path: string,
    checksum: string | undefined,
    { owner = { uid: 0, gid: 0 }, mode }: CopyOptions = {},
  ): Promise<LayerEntry> {
    const { download } = await import('./download.ts') // undici is heavy, and most Kubefiles fetch nothing
    const { downloads, signal } = this.#input
    const { file, digest } = await download(url, downloads, {
      place: `${at.file}:${at.line}:${at.column}`,
      ...(checksum && { checksum }),
      ...(signal && { signal }),
    })
    return { ...(await stamped(file)), path, mode: mode?.(newFile, false) ?? newFile, owner, digest }
  }

  /** What a local archive holds, below a path of the image; undefined when the file is no archive. @throws ContextProblem */
  async unpacked(file: FileEntry, target: string, { owner, mode }: CopyOptions): Promise<LayerEntry[] | undefined> {
    const { unpackArchive } = await import('./unpack-archive.ts')
    const entries = await unpackArchive(file, join(this.#input.downloads, 'unpacked'), this.#input.signal)
    return entries?.map((entry) => ({
      ...entry,
      path: posix.join(target, entry.path),
      owner: owner ?? entry.owner,
      mode: entry.kind === 'link' ? entry.mode : (mode?.(entry.mode, entry.kind === 'folder') ?? entry.mode),
    }))
  }

  /** A text of the Kubefile as a file of the image, kept beside what was fetched. */
  async written(
    content: Word,
    path: string,
    { owner = { uid: 0, gid: 0 }, mode }: CopyOptions = {},
  ): Promise<LayerEntry> {
    const text = this.text(content)
    const hex = createHash('sha256').update(text).digest('hex')
    const { downloads } = this.#input
    const file = join(downloads, `sha256-${hex}`)
    await keepText(text, file, `${file}.${randomUUID()}`)
    return { ...(await stamped(file)), path, mode: mode?.(newFile, false) ?? newFile, owner, digest: `sha256:${hex}` }
  }
}

async function stamped(file: string): Promise<Pick<FileEntry, 'kind' | 'source' | 'size' | 'stamp'>> {
  const stamp = await fileStamp(file)
  return { kind: 'file', source: file, size: Number(stamp.split(':')[0]), stamp }
}

/** Whether a source is fetched rather than copied. */
export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source)

/** The last part of a URL's path; empty when there is none. */
export function urlName(url: string): string {
  return decodeURIComponent(new URL(url).pathname).split('/').at(-1) ?? ''
}
