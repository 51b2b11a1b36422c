import { posix } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'
import { type ContextSource, type CopyOptions, nameOf as contextName, type FileSource } from './context.ts'
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
 * known to be a folder, or has to hold several, and else becomes the target; an archive that is added is unpacked into the target.
 * @throws KUBEFILE_INVALID, DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM
 */
export async function copyFiles(
  instruction: Copy | Add,
  scene: Scene,
  isFolder: (path: string) => Promise<boolean>,
): Promise<LayerEntry[]> {
  const { kind } = instruction
  const options = copyOptions(instruction, scene)
  const checksum = checksumOf(instruction, scene)
  const target = targetOf(instruction.target, scene)
  const files = await filesOf(instruction, scene)
  const sources = await sourcesOf(instruction, files, scene)
  const several = target === '' || /\/\.?$/.test(scene.text(instruction.target)) || sources.length > 1
  const intoFolder = several || (sources.some(isFile) && (await isFolder(target)))
  const entries: LayerEntry[] = []
  for (const source of sources) {
    const path = intoFolder ? posix.join(target, nameOf(source, scene)) : target
    if ('url' in source)
      entries.push(await scene.fetched({ url: source.url, at: source.word.at }, path, checksum, options))
    else if ('inline' in source) entries.push(await scene.written(source.inline.content, path, options))
    else entries.push(...(await localEntries(source, { kind, files, place: target, path }, options, checksum, scene)))
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

async function sourcesOf(instruction: Copy | Add, files: FileSource, scene: Scene): Promise<Source[]> {
  const { kind, sources, texts } = instruction
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
    else for (const local of await scene.within(files, word, () => files.find(text))) found.push({ word, local })
  }
  return [...found, ...texts.map((inline) => ({ inline }))]
}

/** Where files come from and where they go. */
interface Whereabouts {
  readonly kind: string
  readonly files: FileSource
  /** The target. */
  readonly place: string
  /** The target, or the source's name in it. */
  readonly path: string
}

const filesOf = async (instruction: Copy | Add, scene: Scene): Promise<FileSource> =>
  instruction.kind === 'COPY' && instruction.from !== undefined ? scene.imageFiles(instruction.from) : scene.context

/** Of a folder the content, of an archive that is added what is in it, else the file. */
async function localEntries(
  { local, word }: Extract<Source, { local: ContextSource }>,
  { kind, files, place, path }: Whereabouts,
  options: CopyOptions,
  checksum: string | undefined,
  scene: Scene,
): Promise<LayerEntry[]> {
  return scene.within(files, word, async () => {
    if (local.stats.isDirectory()) return files.entries(local, place, options)
    const entries = await files.entries(local, path, options)
    const [file] = entries
    if (file?.kind !== 'file') return entries
    refuseOther(file.digest, checksum, word, scene)
    const unpacked = kind === 'ADD' ? await scene.unpacked(file, place, options) : undefined
    return unpacked ?? entries
  })
}

function refuseOther(digest: string, checksum: string | undefined, word: Word, scene: Scene): void {
  if (checksum === undefined || checksum === digest) return
  throw scene.problem(
    word.at,
    `${scene.text(word)} is ${digest}, not ${checksum}.`,
    'Find out why the file is another one before you change --checksum.',
  )
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
