import type { BigIntStats } from 'node:fs'
import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, join, posix, sep } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { type FileDigests, stampOf } from '../image/layer-digests.ts'
import type { ModeChange } from './file-mode.ts'
import { isGlob, matching } from './glob.ts'
import { IgnoreRules } from './ignore.ts'

/** A file or a folder of the build context. */
export interface ContextSource {
  /** In the context, with `/`: `deploy/web.yaml`. */
  readonly path: string
  /** On this machine, symbolic links resolved. */
  readonly file: string
  readonly stats: BigIntStats
}

/** Why a path of the context cannot be used. */
export class ContextProblem extends Error {
  readonly remedy: string

  constructor(reason: string, remedy: string) {
    super(reason)
    this.remedy = remedy
  }
}

/** Modes and owners that replace those of the context. Files belong to root unless told otherwise. */
export interface CopyOptions {
  readonly owner?: { readonly uid: number; readonly gid: number }
  readonly mode?: ModeChange
}

const root = { uid: 0, gid: 0 }

/** Where COPY takes files from: the build context, or an image. */
export interface FileSource {
  /** What a path or a pattern names, sorted. @throws ContextProblem when there is nothing, or it lies outside */
  find(pattern: string): Promise<ContextSource[]>
  /** What a source becomes at a path of the image: a file stands there, of a folder its content. */
  entries(source: ContextSource, target: string, options?: CopyOptions): Promise<LayerEntry[]>
}

/** The folder that a Kubefile's files come from. Nothing outside of it is read, also not through symbolic links. */
export class BuildContext implements FileSource {
  /** Absolute, symbolic links resolved. */
  readonly folder: string
  readonly #digests: FileDigests
  readonly #ignore: IgnoreRules
  readonly #apart: string | undefined

  /** @param apart a file that is written by the build itself, so it is copied only by its own name */
  constructor(folder: string, digests: FileDigests, ignore = new IgnoreRules(), apart?: string) {
    this.#apart = apart
    this.folder = folder
    this.#ignore = ignore
    this.#digests = digests
  }

  /** What a path or a pattern names, sorted. @throws ContextProblem when there is nothing, or it lies outside */
  async find(pattern: string): Promise<ContextSource[]> {
    const path = posix.normalize(pattern).replace(/^\/+/, '').replace(/\/+$/, '')
    if (path === '..' || path.startsWith('../')) {
      throw new ContextProblem(
        `${pattern} lies outside of the build context.`,
        'Copy the file into the context, or build with a folder above it.',
      )
    }
    const paths = isGlob(path)
      ? (await this.#match(path)).filter((one) => join(this.folder, one) !== this.#apart)
      : [path]
    if (paths.length === 0)
      throw new ContextProblem(`No file of the build context matches ${pattern}.`, `The context is ${this.folder}.`)
    return Promise.all(paths.map((one) => this.#source(one)))
  }

  /** The one file or folder at a path. @throws ContextProblem */
  async one(path: string): Promise<ContextSource> {
    const [source] = await this.find(path.replaceAll(/[*?[\\]/g, '\\$&'))
    if (source === undefined)
      throw new ContextProblem(`${path} is not in the build context.`, `The context is ${this.folder}.`)
    return source
  }

  /** What a source becomes at a path of the image: a file stands there, of a folder its content. */
  async entries(source: ContextSource, target: string, options: CopyOptions = {}): Promise<LayerEntry[]> {
    const entry = await this.#entry(source.file, source.stats, target, options)
    if (entry.kind !== 'folder') return [entry]
    const inside = await this.#walk(source.file, source.path, target, options)
    return target === '' ? inside : [entry, ...inside]
  }

  async #walk(folder: string, inContext: string, target: string, options: CopyOptions): Promise<LayerEntry[]> {
    const names = (await readdir(folder)).sort()
    const nested = await Promise.all(
      names.map(async (name) => {
        const file = join(folder, name)
        if (file === this.#apart) return []
        const place = posix.join(inContext, name)
        const path = posix.join(target, name)
        const ignored = this.#ignore.reason(place) !== undefined
        if (ignored && !this.#ignore.mayKeepBelow(place)) return []
        const stats = await lstat(file, { bigint: true })
        if (ignored && !stats.isDirectory()) return []
        const entry = await this.#entry(file, stats, path, options)
        if (entry.kind !== 'folder') return [entry]
        const inside = await this.#walk(file, place, path, options)
        return ignored && inside.length === 0 ? [] : [entry, ...inside]
      }),
    )
    return nested.flat()
  }

  async #entry(
    file: string,
    stats: BigIntStats,
    path: string,
    { owner = root, mode }: CopyOptions,
  ): Promise<LayerEntry> {
    if (basename(file).startsWith('.wh.')) {
      throw new ContextProblem(`${file} has a name that means "taken away" in an image.`, 'Give the file another name.')
    }
    const own = Number(stats.mode & 0o7777n)
    const base = { path, owner, mode: mode === undefined ? own : mode(own, stats.isDirectory()) }
    if (stats.isDirectory()) return { ...base, kind: 'folder' }
    if (stats.isSymbolicLink()) return { ...base, mode: 0o777, kind: 'link', target: await readlink(file) }
    if (!stats.isFile()) {
      throw new ContextProblem(
        `${file} is neither a file nor a folder nor a symbolic link.`,
        'Take it out of the build context.',
      )
    }
    const digest = await this.#digests.of(file, stats)
    return { ...base, kind: 'file', source: file, size: Number(stats.size), digest, stamp: stampOf(stats) }
  }

  async #source(path: string): Promise<ContextSource> {
    const plain = path.replaceAll(/\\(.)/g, '$1')
    let file: string
    try {
      file = await realpath(join(this.folder, plain))
    } catch {
      throw new ContextProblem(`${plain} is not in the build context.`, `The context is ${this.folder}.`)
    }
    if (file !== this.folder && !file.startsWith(this.folder + sep)) {
      throw new ContextProblem(
        `${plain} leads out of the build context through a symbolic link.`,
        'Copy the file itself into the context.',
      )
    }
    const stats = await lstat(file, { bigint: true })
    const ignored = this.#ignore.reason(plain)
    if (ignored !== undefined && !(stats.isDirectory() && this.#ignore.mayKeepBelow(plain))) {
      throw new ContextProblem(
        `${plain} is left out of the build context (${ignored}).`,
        `Take the line away, or write !${plain} below it.`,
      )
    }
    return { path: plain, file, stats }
  }

  async #match(path: string): Promise<string[]> {
    const found = await matching(path, (folder) => this.#names(folder))
    if (found === undefined)
      throw new ContextProblem(
        `${path} is not a pattern: a bracket is wrong.`,
        'Write [a-z], or \\[ for a plain bracket.',
      )
    const taken = found.filter((one) => this.#ignore.reason(one) === undefined || this.#ignore.mayKeepBelow(one))
    return taken.map((one) => one.replaceAll(/[*?[\\]/g, '\\$&'))
  }

  async #names(folder: string): Promise<string[]> {
    return readdir(join(this.folder, folder)).catch(() => [])
  }
}

/** The name that a source has in a folder it is copied into. */
export const nameOf = (source: ContextSource): string => basename(source.path)
