import type { BigIntStats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { stampOf } from '../image/layer-digests.ts'
import { ContextProblem, type ContextSource, type CopyOptions, type FileSource } from '../kubefile/context.ts'
import { isGlob, matching } from '../kubefile/glob.ts'

/** What stands at a path of layered folders; a folder is all folders that lie over each other there, the upper first. */
interface Found {
  readonly path: string
  readonly file: string
  readonly stats: BigIntStats
  readonly folders: readonly string[]
}

/** Longest chain of links; more is a circle. As in Linux. */
const mostLinks = 40
const root = { uid: 0, gid: 0 }

/**
 * The files of an image whose layers are folders, without mounting them. Its links are followed as a program in the image would: they never lead
 * out of it. Hostile are names, links and kinds of files.
 */
export class LayeredFiles implements FileSource {
  readonly #image: string
  readonly #folders: readonly string[]
  readonly #digestOf: (file: string, stats: BigIntStats) => Promise<string>

  /** @param folders the upper layer first, as {@link Trees.lower} gives them */
  constructor(
    image: string,
    folders: readonly string[],
    digestOf: (file: string, stats: BigIntStats) => Promise<string>,
  ) {
    this.#image = image
    this.#folders = folders
    this.#digestOf = digestOf
  }

  async find(pattern: string): Promise<ContextSource[]> {
    const path = posix.join('/', pattern).slice(1).replace(/\/+$/, '')
    const names = async (path: string) => {
      const folder = await this.#at(path)
      return folder === undefined ? [] : (await inside(folder)).map((found) => posix.basename(found.path))
    }
    const paths = isGlob(path) ? await matching(path, names) : [path.replaceAll(/\\(.)/g, '$1')]
    if (paths === undefined) throw this.#problem(`${path} is not a pattern: a bracket is wrong.`)
    if (paths.length === 0) throw this.#problem(`No file of ${this.#image} matches ${pattern}.`)
    return Promise.all(
      paths.map(async (one) => {
        const found = await this.#at(one)
        if (found === undefined) throw this.#problem(`${one} is not in ${this.#image}.`)
        return { path: one, file: found.file, stats: found.stats }
      }),
    )
  }

  async entries(source: ContextSource, target: string, options: CopyOptions = {}): Promise<LayerEntry[]> {
    const found = await this.#at(source.path)
    if (found === undefined) throw this.#problem(`${source.path} is not in ${this.#image}.`)
    const entries = await this.#walk(found, target, options)
    return target === '' ? entries.filter(({ path }) => path !== '') : entries
  }

  async #walk(found: Found, path: string, options: CopyOptions): Promise<LayerEntry[]> {
    const entry = await this.#entry(found, path, options)
    if (entry.kind !== 'folder') return [entry]
    const entries: LayerEntry[] = [entry]
    for (const next of await inside(found)) {
      entries.push(...(await this.#walk(next, posix.join(path, posix.basename(next.path)), options)))
    }
    return entries
  }

  async #entry(
    { file, stats, path: own }: Found,
    path: string,
    { owner = root, mode }: CopyOptions,
  ): Promise<LayerEntry> {
    const bits = Number(stats.mode & 0o7777n)
    const base = { path, owner, mode: mode === undefined ? bits : mode(bits, stats.isDirectory()) }
    if (stats.isDirectory()) return { ...base, kind: 'folder' }
    if (stats.isSymbolicLink()) return { ...base, mode: 0o777, kind: 'link', target: await readlink(file) }
    if (!stats.isFile()) throw this.#problem(`${own} is neither a file nor a folder nor a symbolic link.`)
    const digest = await this.#digestOf(file, stats)
    return { ...base, kind: 'file', source: file, size: Number(stats.size), digest, stamp: stampOf(stats) }
  }

  /** What stands at a path, links followed, also the last one. */
  async #at(path: string): Promise<Found | undefined> {
    const [top = ''] = this.#folders
    const ground = { path: '', file: top, stats: await lstat(top, { bigint: true }), folders: this.#folders }
    const pending = path.split('/')
    const way: Found[] = [ground]
    let links = 0
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      const here = way.at(-1) ?? ground
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (way.length > 1) way.pop()
        continue
      }
      const found = await step(here, name)
      if (found === undefined) return undefined
      if (!found.stats.isSymbolicLink()) {
        way.push(found)
        continue
      }
      if (++links > mostLinks) return undefined
      const target = await readlink(found.file)
      if (target.startsWith('/')) way.length = 1
      pending.unshift(...target.split('/'))
    }
    return way.at(-1)
  }

  #problem(reason: string): ContextProblem {
    return new ContextProblem(
      reason,
      `See what is in it: sealer inspect, or a tool for images, tells of ${this.#image}.`,
    )
  }
}

/** One step down. The upper layer decides; folders lie over each other until something else, or a whiteout, hides what is below. */
async function step({ path, folders }: Found, name: string): Promise<Found | undefined> {
  const merged: string[] = []
  let first: Found | undefined
  for (const folder of folders) {
    const file = join(folder, name)
    const stats = await lstat(file, { bigint: true }).catch(() => undefined)
    if (stats === undefined) continue
    if (!stats.isDirectory()) {
      if (first === undefined && !stats.isCharacterDevice())
        return { path: posix.join(path, name), file, stats, folders: [] }
      break
    }
    first ??= { path: posix.join(path, name), file, stats, folders: merged }
    merged.push(file)
  }
  return first
}

/** What a folder holds, sorted by name. */
async function inside(folder: Found): Promise<Found[]> {
  const lists = await Promise.all(folder.folders.map((one) => readdir(one)))
  const found: Found[] = []
  for (const name of [...new Set(lists.flat())].sort()) {
    const next = await step(folder, name)
    if (next !== undefined) found.push(next)
  }
  return found
}
