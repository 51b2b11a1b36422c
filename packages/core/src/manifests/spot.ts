import { linesOf, member, type Place, YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** A value in a manifest, and where it stands. */
export class Spot {
  readonly value: unknown
  /** As users write it: `spec.containers[0].image`. */
  readonly path: string
  readonly #place: Place
  readonly #lineAt: (offset: number) => number

  constructor(value: unknown, path: string, place: Place, lineAt: (offset: number) => number) {
    this.value = value
    this.path = path
    this.#place = place
    this.#lineAt = lineAt
  }

  /** From 1, in the file that is read. */
  get line(): number {
    return this.#lineAt(this.#place.offset)
  }

  /** The member by key or index. */
  into(key: string): Spot {
    const value: unknown = (this.value as Readonly<Record<string, unknown>>)[key]
    return new Spot(value, pathInto(this, key), member(this.#place, key), this.#lineAt)
  }

  /** All members: items of a list, values of a map; nothing of anything else. */
  members(): [key: string, member: Spot][] {
    if (typeof this.value !== 'object' || this.value === null) return []
    return Object.keys(this.value).map((key) => [key, this.into(key)])
  }
}

function pathInto({ value, path }: Spot, key: string): string {
  if (Array.isArray(value)) return `${path}[${key}]`
  if (!/^[^.[\]"]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** A document of a text, or why it could not be read and where. */
export type ReadDocument =
  | { readonly root: Spot }
  | { readonly problem: string; readonly line: number; readonly text: string; readonly above: number }

/**
 * The documents of a YAML stream, each read by itself: one that is broken takes no other with it. Definitions of resources are passed over,
 * since they are large and hold no object.
 */
export function documentsIn(text: string, { above = 0, path = '' } = {}): ReadDocument[] {
  return chunksOf(text).flatMap((chunk): ReadDocument[] => {
    const lines = above + chunk.above
    if (isEmpty(chunk.text) || isDefinition.test(chunk.text)) return []
    try {
      const lineIn = linesOf(chunk.text)
      const lineAt = (offset: number) => lines + lineIn(offset)
      return yamlDocuments(chunk.text).map(({ value, place }) => ({ root: new Spot(value, path, place, lineAt) }))
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error
      return [{ problem: error.message, line: lines + error.line, text: chunk.text, above: lines }]
    }
  })
}

/** Comments and directives alone. */
const isEmpty = (text: string): boolean =>
  text.split('\n').every((line) => /^\s*(?:$|[#%]|(?:---|\.\.\.)\s*(?:$|#))/.test(line))
const isDefinition = /^"?kind"?:[ \t]*["']?CustomResourceDefinition["']?[ \t]*(?:#.*)?$/m

/** Parts of a stream between `---` at the beginning of a line, which nothing but the end of a document can be. */
function chunksOf(text: string): { readonly text: string; readonly above: number }[] {
  const chunks: { text: string; above: number }[] = []
  let above = 0
  for (const chunk of text.replace(/^\uFEFF/, '').split(/^(?=---(?:\s|$))/m)) {
    chunks.push({ text: chunk, above })
    for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) above++
  }
  return chunks
}
