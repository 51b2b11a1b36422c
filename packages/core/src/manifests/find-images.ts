import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { SealerError } from '../errors.ts'
import type { FoundImage } from '../hooks.ts'
import type { ArchiveTransport } from '../image/archives.ts'
import type { LayerEntry } from '../image/layer.ts'
import { IgnoreList, type NamedText } from './ignore-list.ts'
import { imageFiles } from './image-files.ts'
import { readImageList } from './image-list.ts'
import { nameOf } from './image-names.ts'
import type {
  ImageReader,
  ImageSearch,
  ImageSource,
  LeftOut,
  NamedAt,
  ReadImages,
  SearchedFile,
} from './image-reader.ts'
import { type ImageRule, RuleTable } from './image-rules.ts'
import type { ImagesWithLogin } from './list-with-logins.ts'
import { imagesInManifest } from './manifest-images.ts'
import { readRules } from './rules-file.ts'

/** An archive or a layout folder of the build context, all of whose images are carried. */
export interface ListedArchive {
  readonly transport: ArchiveTransport
  /** In the build context. */
  readonly path: string
  /** The line that lists it. */
  readonly place: string
}

/** An image that is named, with every place that does. */
export interface NamedImages extends FoundImage {
  readonly named: readonly NamedAt[]
}

/** Container images that the files of an image name, with the reasons. */
export interface FoundImages {
  readonly images: readonly NamedImages[]
  readonly archives: readonly ListedArchive[]
  /** What could be an image and was not taken for one, or is ignored. */
  readonly doubts: readonly LeftOut[]
}

/** Where to look. */
export interface SearchInput {
  /** Files of this build; those of the base have been looked through when it was built. */
  readonly entries: readonly LayerEntry[]
  /** Files that what is found there may build upon, and that are not looked through themselves. */
  readonly beside?: readonly LayerEntry[]
  /** Whether the files are not those of an image: all of them are looked at then, wherever they stand. */
  readonly anywhere?: true
  /** Lists and rules from outside the files. */
  readonly lists?: readonly NamedText[]
  readonly withLogins?: readonly ImagesWithLogin[]
  readonly ignored?: readonly NamedText[]
  readonly rules?: readonly ImageRule[]
  /** What readers may know and use. */
  readonly search: Omit<ImageSearch, 'listed' | 'beside' | 'rules' | 'imagesIn'>
}

/** Folders of an image that are looked through. */
const looked = /^(?:manifests|charts|application\/apps)\//
const appFolder = /^application\/apps\/([^/]+)\//
/** Files beside the manifests that say what reading cannot find. */
const own = { list: 'imageList', ignored: 'imageIgnore', rules: 'imageRules' }

/**
 * Looks through `manifests/`, `charts/` and the apps of an image. Each image keeps why it is here: file and line.
 * @throws IMAGE_LIST_INVALID, IMAGE_RULES_INVALID, IMAGE_RULE_INVALID, and what readers throw
 */
export async function findImages(input: SearchInput, readers: readonly ImageReader[]): Promise<FoundImages> {
  const { files, broken } = imageFiles(input.entries)
  const isLooked = (path: string) => input.anywhere === true || looked.test(path)
  const textsOf = (name: string) => ownTexts(files, name, input)
  const rules = [...(input.rules ?? []), ...(await textsOf(own.rules)).flatMap(readRules)]
  const table = new RuleTable(rules)
  const findings = new Findings(new IgnoreList([...(await textsOf(own.ignored)), ...(input.ignored ?? [])]))
  for (const path of broken)
    if (isLooked(path)) findings.doubt({ place: path, reason: 'this link leads to nothing that is read here' })
  const listed = takeLists([...(await textsOf(own.list)), ...(input.lists ?? [])], input.withLogins ?? [], findings)
  const search: ImageSearch = {
    ...input.search,
    beside: imageFiles(input.beside ?? []).files,
    listed,
    rules: createHash('sha256').update(JSON.stringify(rules)).digest('hex'),
    imagesIn: (manifests, how) => imagesInManifest(manifests, table, how),
  }
  let left: readonly SearchedFile[] = files.filter(({ path }) => isLooked(path))
  for (const reader of readers) {
    const sources = await reader.claim(left, search)
    const claimed = new Set(sources.flatMap((source) => source.files.map(({ path }) => path)))
    left = left.filter(({ path }) => !claimed.has(path))
    for (const source of sources) {
      const app = appFolder.exec(`${source.path}/`)?.[1]
      const { images, doubts } = await readSource(reader, source, search)
      for (const named of images) findings.found(named, app)
      for (const doubt of doubts) findings.doubt(doubt)
    }
  }
  return findings.result()
}

/** Where nothing is built, what is broken is told and the rest is read. */
async function readSource(reader: ImageReader, source: ImageSource, search: ImageSearch): Promise<ReadImages> {
  try {
    return await reader.read(source, search)
  } catch (error) {
    if (search.lenient !== true || !SealerError.is(error)) throw error
    return { images: [], doubts: [{ place: source.path, reason: error.message }] }
  }
}

class Findings {
  readonly #ignored: IgnoreList
  readonly #images = new Map<string, { apps: Set<string>; named: Map<string, NamedAt> }>()
  readonly #doubts: LeftOut[] = []
  readonly #archives: ListedArchive[] = []

  constructor(ignored: IgnoreList) {
    this.#ignored = ignored
  }

  found(named: NamedAt, app?: string): void {
    const { reference, place, field = '' } = named
    const name = nameOf(reference)
    if (typeof name !== 'string') {
      this.#doubts.push({ place, reason: name.reason })
      return
    }
    const line = this.#ignored.lineFor(reference)
    if (line !== undefined) {
      this.#doubts.push({ place, reason: `${reference} is ignored, as ${line} says`, reference })
      return
    }
    const known = this.#images.get(reference) ?? { apps: new Set(), named: new Map() }
    known.named.set(`${place} ${field}`, named)
    if (app !== undefined) known.apps.add(app)
    this.#images.set(reference, known)
  }

  doubt(doubt: LeftOut): void {
    this.#doubts.push(doubt)
  }

  archive(archive: ListedArchive): void {
    this.#archives.push(archive)
  }

  /** What only looks like an image in one place is no doubt where another place names it. */
  result(): FoundImages {
    const images = [...this.#images].map(([reference, { apps, named }]) => ({
      reference,
      apps: [...apps],
      reasons: [...new Set([...named.values()].map(({ place }) => place))],
      named: [...named.values()],
    }))
    const doubts = this.#doubts.filter(({ reference }) => reference === undefined || !this.#images.has(reference))
    return { images, archives: this.#archives, doubts }
  }
}

/** Whether somebody has listed anything. */
function takeLists(lists: readonly NamedText[], withLogins: readonly ImagesWithLogin[], findings: Findings): boolean {
  const all = lists.flatMap(({ file, text }) => readImageList(text, file).map((listed) => ({ ...listed, file })))
  for (const listed of all) {
    const place = `${listed.file}:${listed.line}`
    if ('reference' in listed) findings.found({ reference: listed.reference, place })
    else findings.archive({ transport: listed.transport, path: listed.path, place })
  }
  for (const { images, place } of withLogins) for (const reference of images) findings.found({ reference, place })
  return all.length + withLogins.length > 0
}

/** The files of that name: of an image the one beside its manifests. */
async function ownTexts(
  files: readonly SearchedFile[],
  name: string,
  { anywhere }: Pick<SearchInput, 'anywhere'>,
): Promise<NamedText[]> {
  const isOne = (path: string) => (anywhere ? posix.basename(path) === name : path === `manifests/${name}`)
  const found = files.filter(({ path }) => isOne(path))
  return Promise.all(found.map(async ({ path, source }) => ({ file: path, text: await readFile(source, 'utf8') })))
}
