import { readFile } from 'node:fs/promises'
import type { FoundImage } from '../hooks.ts'
import type { ArchiveTransport } from '../image/archives.ts'
import type { LayerEntry } from '../image/layer.ts'
import { imageFiles } from './image-files.ts'
import { readImageList } from './image-list.ts'
import type { ImageReader, ImageSearch, LeftOut, SearchedFile } from './image-reader.ts'

/** An archive or a layout folder of the build context, all of whose images are carried. */
export interface ListedArchive {
  readonly transport: ArchiveTransport
  /** In the build context. */
  readonly path: string
  /** The line that lists it. */
  readonly place: string
}

/** Container images that the files of an image name, with the reasons. */
export interface FoundImages {
  readonly images: readonly FoundImage[]
  readonly archives: readonly ListedArchive[]
  /** What could be an image and was not taken for one. */
  readonly doubts: readonly LeftOut[]
}

/** Where to look. */
export interface SearchInput {
  /** Files of this build; those of the base have been looked through when it was built. */
  readonly entries: readonly LayerEntry[]
  /** A list from outside the image: its text, and its name for messages. */
  readonly list?: { readonly file: string; readonly text: string }
  /** What readers may know and use. */
  readonly search: Omit<ImageSearch, 'listed'>
}

const listFile = 'manifests/imageList'
/** Folders that are looked through. */
const looked = /^(?:manifests|charts|application\/apps)\//
const appFolder = /^application\/apps\/([^/]+)\//

/**
 * Looks through `manifests/`, `charts/` and the apps of an image. Each image keeps why it is here: file and line.
 * @throws IMAGE_LIST_INVALID, and what readers throw
 */
export async function findImages(input: SearchInput, readers: readonly ImageReader[]): Promise<FoundImages> {
  const findings = new Findings()
  const { files, broken } = imageFiles(input.entries)
  for (const path of broken)
    if (looked.test(path)) findings.doubt({ place: path, reason: 'this link leads to nothing that is read here' })
  const listed = await readLists(files, input, findings)
  const search = { ...input.search, listed }
  let left: readonly SearchedFile[] = files.filter(({ path }) => looked.test(path))
  for (const reader of readers) {
    const sources = await reader.claim(left, search)
    const claimed = new Set(sources.flatMap((source) => source.files.map(({ path }) => path)))
    left = left.filter(({ path }) => !claimed.has(path))
    for (const source of sources) {
      const { images, doubts } = await reader.read(source, search)
      const app = appFolder.exec(`${source.path}/`)?.[1]
      for (const { reference, place } of images) findings.found(reference, place, app)
      for (const doubt of doubts) findings.doubt(doubt)
    }
  }
  return findings.result()
}

class Findings {
  readonly #images = new Map<string, { apps: Set<string>; reasons: Set<string> }>()
  readonly #doubts: LeftOut[] = []
  readonly #archives: ListedArchive[] = []

  found(reference: string, place: string, app?: string): void {
    const known = this.#images.get(reference) ?? { apps: new Set(), reasons: new Set() }
    known.reasons.add(place)
    if (app !== undefined) known.apps.add(app)
    this.#images.set(reference, known)
  }

  doubt(doubt: LeftOut): void {
    this.#doubts.push(doubt)
  }

  archive(archive: ListedArchive): void {
    this.#archives.push(archive)
  }

  result(): FoundImages {
    const images = [...this.#images].map(([reference, { apps, reasons }]) => ({
      reference,
      apps: [...apps],
      reasons: [...reasons],
    }))
    return { images, archives: this.#archives, doubts: this.#doubts }
  }
}

/** Whether somebody has listed anything. */
async function readLists(files: readonly SearchedFile[], { list }: SearchInput, findings: Findings): Promise<boolean> {
  const own = files.find(({ path }) => path === listFile)
  const lists = [
    ...(own === undefined ? [] : [{ file: listFile, text: await readFile(own.source, 'utf8') }]),
    ...(list === undefined ? [] : [list]),
  ]
  const all = lists.flatMap(({ file, text }) => readImageList(text, file).map((listed) => ({ ...listed, file })))
  for (const listed of all) {
    const place = `${listed.file}:${listed.line}`
    if ('reference' in listed) findings.found(listed.reference, place)
    else findings.archive({ transport: listed.transport, path: listed.path, place })
  }
  return all.length > 0
}
