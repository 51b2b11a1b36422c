import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SealerError } from '../errors.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { type ChartTree, chartsOf } from './chart-tree.ts'
import { isRecord } from './is-record.ts'
import { linesOf, member, type Place, YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** An image that the values of a chart name, for a feature that may be off. */
export interface ValuesImage {
  /** Full name; without a tag where the template adds one. */
  readonly name: string
  /** File, line and key: `application/apps/cache/values.yaml:12 (metrics.image)`. */
  readonly place: string
}

/** The images that stand in values.yaml, of the chart and of those in it, in one piece or split. */
export async function imagesInValues(tree: ChartTree): Promise<ValuesImage[]> {
  const found: ValuesImage[] = []
  for (const { folder, place } of chartsOf(tree)) {
    const text = await readFile(join(folder, 'values.yaml'), 'utf8').catch(() => '')
    const search = new ValuesSearch()
    try {
      for (const document of yamlDocuments(text)) search.visit(document.value, document.place, [])
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error // helm says so, too
    }
    const lineAt = linesOf(text)
    for (const { name, key, offset } of search.images)
      found.push({ name, place: `${place}/values.yaml:${lineAt(offset)} (${key})` })
  }
  return found
}

/** Those among them that no rendering has named: what other values would bring. */
export function notRendered(values: readonly ValuesImage[], rendered: readonly string[]): ValuesImage[] {
  const there = rendered.map(parts)
  return values.filter(({ name }) => {
    const wanted = parts(name)
    return !there.some(({ path, tag }) => path === wanted.path && tag.includes(wanted.tag))
  })
}

/** Charts put another registry in front of a name, and something around its tag. */
function parts(reference: string): { readonly path: string; readonly tag: string } {
  const [, path = '', tag = ''] = /^[^/]+\/([^:@]+)(?::([^@]*))?/.exec(reference) ?? []
  return { path: path.replace(/^library\//, ''), tag }
}

class ValuesSearch {
  readonly images: { readonly name: string; readonly key: string; readonly offset: number }[] = []

  visit(value: unknown, place: Place, path: readonly string[]): void {
    if (Array.isArray(value))
      for (const [index, item] of value.entries())
        this.visit(item, member(place, String(index)), [...path, String(index)])
    if (!isRecord(value)) return
    this.#split(value, place, path)
    for (const [key, inner] of Object.entries(value)) {
      const at = member(place, key)
      if (typeof inner === 'string' && /(?:^i|I)mage$/.test(key)) this.#whole(inner, at, [...path, key])
      this.visit(inner, at, [...path, key])
    }
  }

  /** `{registry, repository, tag, digest}` and its like. */
  #split(value: Record<string, unknown>, place: Place, path: readonly string[]): void {
    const { registry, repository, tag, image, imageTag, version } = value
    const text = (one: unknown) => (typeof one === 'number' || typeof one === 'string' ? String(one) : '')
    const pinned = 'tag' in value || 'digest' in value
    const name = text(repository) || (pinned && typeof image === 'string' ? image : '')
    if (name === '' || !(pinned || 'pullPolicy' in value || /image$/i.test(path.at(-1) ?? ''))) return
    const host = text(registry) === '' ? '' : `${text(registry)}/`
    const wanted = text(tag) || text(imageTag) || text(version)
    this.#add(`${host}${name}`, wanted, member(place, repository === undefined ? 'image' : 'repository'), path)
  }

  /** `image: name:tag` in one piece. A word alone may be anything. */
  #whole(text: string, place: Place, path: readonly string[]): void {
    if (/^[\w.-]+(?:[:/@][\w./:@-]+)+$/.test(text)) this.#add(text, '', place, path)
  }

  #add(name: string, tag: string, place: Place, path: readonly string[]): void {
    const key = path.join('.')
    if (this.images.some((image) => image.key === key)) return
    try {
      const { registry, repository, ...pins } = parseReference(tag === '' ? name : `${name}:${tag}`)
      const tagged = tag !== '' || /:[^/]+$/.test(name)
      const full = fullName({ registry, repository, ...(tagged && pins.tag !== undefined && { tag: pins.tag }) })
      this.images.push({ name: full, key, offset: place.offset })
    } catch (error) {
      if (!SealerError.is(error)) throw error // e.g. a template in the tag
    }
  }
}
