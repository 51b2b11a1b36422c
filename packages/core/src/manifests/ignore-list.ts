import { parseReference, type Reference } from '../image/reference.ts'
import { listLines } from './image-list.ts'
import { wildcard } from './wildcard.ts'

/** A text from outside the image or of it, and its name for messages. */
export interface NamedText {
  readonly file: string
  readonly text: string
}

/** Container images that are not carried, by name or pattern. */
export class IgnoreList {
  readonly #lines: readonly { readonly place: string; readonly fits: (name: string) => boolean }[]

  /**
   * Lists of one image a line, `#` begins a comment. A name may be short or full; without tag and digest it is every image of that
   * repository; `*` stands for any text.
   */
  constructor(lists: readonly NamedText[]) {
    this.#lines = lists.flatMap(({ file, text }) =>
      listLines(text).map(({ line, content }) => ({ place: `${file}:${line}`, fits: wildcard(content) })),
    )
  }

  /** The line that says so; undefined when the image is not ignored. */
  lineFor(image: string): string | undefined {
    if (this.#lines.length === 0) return undefined
    const names = spellings(parseReference(image))
    return this.#lines.find(({ fits }) => names.some(fits))?.place
  }
}

/** Every way to write a name: short, full, and without what pins it. */
function spellings({ registry, repository, tag, digest }: Reference): string[] {
  const short = registry === 'docker.io' ? [repository, repository.replace(/^library\//, '')] : []
  const bases = [`${registry}/${repository}`, ...short, ...short.map((name) => `docker.io/${name}`)]
  const tagged = tag === undefined ? '' : `:${tag}`
  const pinned = digest === undefined ? '' : `@${digest}`
  return bases.flatMap((base) => [base, `${base}${tagged}`, `${base}${pinned}`, `${base}${tagged}${pinned}`])
}
