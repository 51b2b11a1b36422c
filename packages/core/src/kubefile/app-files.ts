import { posix } from 'node:path'
import type { AppConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { type AppSource, appTypeOf, filesBelow } from './app-type.ts'
import { nameOf } from './context.ts'
import { isGlob } from './glob.ts'
import type { App } from './instructions.ts'
import { isUrl, type Scene, urlName } from './scene.ts'
import type { Word } from './words.ts'

/** Where the files of apps stand in an image. */
export const appsFolder = 'application/apps'

/** Files of an app, and what they make of it. */
export interface AppFiles {
  readonly entries: readonly LayerEntry[]
  readonly type: Pick<AppConfig, 'type' | 'files'>
}

/**
 * What the sources of APP, CNI or CSI put into the app's folder: a folder's content, files by their names.
 * @throws KUBEFILE_INVALID, DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM
 */
export async function appFiles({ kind, at, sources: words }: App, name: string, scene: Scene): Promise<AppFiles> {
  const folder = `${appsFolder}/${name}`
  const entries: LayerEntry[] = []
  const sources: AppSource[] = []
  for (const word of words) {
    const added = await sourceFiles(word, folder, scene)
    const twice = filesBelow(folder, added).find((file) => sources.some(({ files }) => files.includes(file)))
    if (twice !== undefined) {
      throw scene.problem(word.at, `${twice} comes from two sources of ${name}.`, 'Give one of the files another name.')
    }
    entries.push(...added)
    sources.push({ files: filesBelow(folder, added) })
  }
  const type = appTypeOf(sources)
  if (!('chartAt' in type)) return { entries, type }
  const above = words.map((word) => localPath(scene.text(word))).find((path) => path !== undefined) ?? ''
  throw scene.problem(
    at,
    `The chart of ${name} is not at the top of its folder but in ${type.chartAt}.`,
    `Write ${kind} ${name} local://${posix.join(above, type.chartAt)}.`,
  )
}

async function sourceFiles(word: Word, folder: string, scene: Scene): Promise<LayerEntry[]> {
  const text = scene.text(word)
  if (isUrl(text)) return [await fetchFile(text, word, folder, scene)]
  const path = localPath(text)
  if (path === undefined) {
    throw scene.problem(
      word.at,
      `${text} is no source of an app.`,
      'Write local://PATH for files of the build context, or an http:// or https:// address.',
    )
  }
  if (isGlob(path)) {
    throw scene.problem(
      word.at,
      'Patterns are not allowed in sources of an app.',
      'Name each file, or the folder that holds them.',
    )
  }
  return scene.inContext(word, async (context) => {
    const source = await context.one(path)
    const target = source.stats.isDirectory() ? folder : `${folder}/${nameOf(source)}`
    return (await context.entries(source, target)).filter((entry) => entry.path !== folder)
  })
}

/** A URL may end with `#sha256:…`, which pins what is fetched. */
async function fetchFile(text: string, word: Word, folder: string, scene: Scene): Promise<LayerEntry> {
  const [url = '', pin] = text.split('#')
  const name = urlName(url)
  if (name === '') {
    throw scene.problem(
      word.at,
      `The address ${url} has no file name.`,
      'An app’s file needs one that tells its type, e.g. web.yaml.',
    )
  }
  return scene.fetched(
    { url, at: word.at },
    `${folder}/${name}`,
    pin === undefined ? undefined : scene.checksum(word.at, pin),
  )
}

const localPath = (text: string): string | undefined => /^local:\/\/(.+)$/.exec(text)?.[1]
