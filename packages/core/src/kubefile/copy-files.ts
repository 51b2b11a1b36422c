import { posix } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { type ContextSource, type CopyOptions, nameOf as contextName } from './context.ts'
import { copyOptions } from './copy-options.ts'
import type { Add, Copy, InlineFile } from './instructions.ts'
import { isUrl, type Scene, urlName } from './scene.ts'
import type { Word } from './words.ts'

/** One file or folder that an instruction names or holds. */
type Source =
  | { readonly word: Word; readonly local: ContextSource }
  | { readonly word: Word; readonly url: string }
  | { readonly inline: InlineFile }

/**
 * What COPY or ADD puts into the image. A folder's content goes to the target; a file goes into it where the target ends with a slash, is
 * known to be a folder, or has to hold several, and else becomes the target.
 * @throws KUBEFILE_INVALID, DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM
 */
export async function copyFiles(
  instruction: Copy | Add,
  scene: Scene,
  isFolder: (path: string) => Promise<boolean>,
): Promise<LayerEntry[]> {
  const options = copyOptions(instruction, scene)
  const checksum = checksumOf(instruction, scene)
  const target = targetOf(instruction.target, scene)
  const sources = await sourcesOf(instruction, scene)
  const several = target === '' || /\/\.?$/.test(scene.text(instruction.target)) || sources.length > 1
  const intoFolder = several || (sources.some(isFile) && (await isFolder(target)))
  const entries: LayerEntry[] = []
  for (const source of sources) {
    const path = intoFolder ? posix.join(target, nameOf(source, scene)) : target
    if ('url' in source) entries.push(await scene.fetched(source.url, path, checksum, options))
    else if ('inline' in source) entries.push(await scene.written(source.inline.content, path, options))
    else entries.push(...(await copyLocal(source.local, source.word, target, path, options, scene)))
  }
  const wrong = checksum && entries.find((entry) => entry.kind === 'file' && entry.digest !== checksum)
  if (wrong && wrong.kind === 'file') {
    throw scene.problem(
      instruction.at,
      `${wrong.path} is ${wrong.digest}, not ${checksum}.`,
      'Find out why the file is another one before you change --checksum.',
    )
  }
  return entries
}

function isFile(source: Source): boolean {
  return !('local' in source) || !source.local.stats.isDirectory()
}

/** The name that a source has in a folder it goes into. */
function nameOf(source: Source, scene: Scene): string {
  if ('inline' in source) return source.inline.name
  if ('local' in source) return contextName(source.local)
  const name = urlName(source.url)
  if (name !== '') return name
  throw scene.problem(source.word.at, 'The address has no file name.', 'Name the file in the target.')
}

async function sourcesOf(instruction: Copy | Add, scene: Scene): Promise<Source[]> {
  const { kind, sources, texts } = instruction
  if (kind === 'COPY' && instruction.from !== undefined) {
    throw scene.problem(
      instruction.from.at,
      'COPY --from is not supported yet.',
      'Put the files into the build context.',
    )
  }
  const found: Source[] = []
  for (const word of sources) {
    const text = scene.text(word)
    if (isUrl(text) && kind === 'COPY') {
      throw scene.problem(
        word.at,
        'COPY takes files of the build context only.',
        'Use ADD --checksum=sha256:… for a URL.',
      )
    }
    if (isUrl(text)) found.push({ word, url: text })
    else for (const local of await scene.inContext(word, (context) => context.find(text))) found.push({ word, local })
  }
  if (kind === 'ADD') refuseArchives(found, scene)
  return [...found, ...texts.map((inline) => ({ inline }))]
}

/** A Dockerfile's ADD unpacks archives; ours does not, so it says so rather than doing something else in silence. */
function refuseArchives(sources: readonly Source[], scene: Scene): void {
  for (const source of sources) {
    if (!('local' in source) || !/\.(?:tar|tar\.(?:gz|xz|bz2|zst)|tgz|txz|tbz2?)$/.test(source.local.path)) continue
    throw scene.problem(
      source.word.at,
      `ADD does not unpack archives yet (${source.local.path}).`,
      'COPY it to keep it packed, or unpack it into the context.',
    )
  }
}

async function copyLocal(
  source: ContextSource,
  word: Word,
  target: string,
  path: string,
  options: CopyOptions,
  scene: Scene,
): Promise<LayerEntry[]> {
  const place = source.stats.isDirectory() ? target : path
  return scene.inContext(word, (context) => context.entries(source, place, options))
}

/** A target as a path from the root of the image, without slashes around it. */
function targetOf(word: Word, scene: Scene): string {
  const text = scene.text(word)
  if (text === '') throw scene.problem(word.at, 'The target is empty.', 'Write a path in the image, or . for its root.')
  const path = posix.normalize(text).replace(/^\/+/, '').replace(/\/+$/, '')
  if (path === '..' || path.startsWith('../')) {
    throw scene.problem(word.at, `${text} lies outside of the image.`, 'Targets start at the root of the image.')
  }
  return path === '.' ? '' : path
}

function checksumOf(instruction: Copy | Add, scene: Scene): string | undefined {
  if (instruction.kind === 'COPY' || instruction.checksum === undefined) return undefined
  if (instruction.sources.length + instruction.texts.length > 1) {
    throw scene.problem(instruction.checksum.at, '--checksum holds for one source.', 'Write one ADD for each.')
  }
  return scene.checksum(instruction.checksum.at, scene.text(instruction.checksum))
}
