import { SealerError } from '../errors.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { lineAt, member, type Place, yamlDocuments } from './yaml-documents.ts'

/** An image that a manifest names, by its full name. */
export interface NamedImage {
  readonly reference: string
  /** From 1. */
  readonly line: number
}

/** Something that may name an image and cannot be told for sure; it is reported and not carried. */
export interface Doubt {
  readonly line: number
  readonly reason: string
}

/** What a manifest says about images. */
export interface ManifestImages {
  readonly images: readonly NamedImage[]
  readonly doubts: readonly Doubt[]
}

const containerLists = ['containers', 'initContainers', 'ephemeralContainers']

/**
 * The container images that manifests name: of containers wherever a pod template occurs, `image` and `…Image` keys of other resources,
 * `repository` with `tag`, image volumes, and manifests inside ConfigMaps. Schemas of custom resources name none.
 * @throws YamlProblem
 */
export function imagesInManifest(text: string): ManifestImages {
  const search = new Search(text)
  for (const { value, place } of yamlDocuments(text)) search.visit(value, place)
  return search
}

class Search implements ManifestImages {
  readonly images: NamedImage[] = []
  readonly doubts: Doubt[] = []
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  visit(value: unknown, place: Place): void {
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) this.visit(item, member(place, String(index)))
    if (!isRecord(value) || value.kind === 'CustomResourceDefinition') return
    for (const [key, inner] of Object.entries(value)) {
      const at = member(place, key)
      if (containerLists.includes(key) && Array.isArray(inner)) this.#containers(inner, at)
      else if (value.kind === 'ConfigMap' && key === 'data' && isRecord(inner)) this.#embedded(inner, at)
      else if (key === 'image' || key.endsWith('Image')) this.#image(key, inner, at)
      else this.visit(inner, at)
    }
  }

  #containers(containers: readonly unknown[], place: Place): void {
    for (const [index, container] of containers.entries()) {
      const at = member(place, String(index))
      if (!isRecord(container)) continue
      const { image, ...rest } = container
      if (typeof image === 'string' && image.trim() !== '') this.#sure(image, member(at, 'image'))
      else if (image !== undefined) this.visit({ image }, at)
      this.visit(rest, at)
    }
  }

  /** `image: NAME`, `image: {repository, tag}`, `image: {reference}` of a volume, or something with a key of that name. */
  #image(key: string, value: unknown, place: Place): void {
    if (typeof value === 'string') this.#perhaps(key, value, place)
    else if (isRecord(value) && typeof value.reference === 'string')
      this.#sure(value.reference, member(place, 'reference'))
    else if (isRecord(value) && typeof value.repository === 'string') {
      this.#perhaps(key, joined(value, value.repository), member(place, 'repository'))
    } else this.visit(value, place)
  }

  /** The image of a container: must be a name. */
  #sure(text: string, place: Place): void {
    const named = nameOf(text)
    if (typeof named === 'string') this.#found(named, place)
    else this.#doubt(place, `"${text}" is the image of a container, but ${named.reason}`)
  }

  /** An image key outside of containers: an image where it can be nothing else, i.e. it has a path or a tag. */
  #perhaps(key: string, text: string, place: Place): void {
    if (text.trim() === '') return
    const named = nameOf(text)
    if (typeof named === 'string' && /[/:]/.test(text)) this.#found(named, place)
    else this.#doubt(place, `"${key}: ${text}" may be an image, or not`)
  }

  /** A manifest kept as text, e.g. the template of something that makes pods. */
  #embedded(data: Record<string, unknown>, place: Place): void {
    for (const [key, text] of Object.entries(data)) {
      if (typeof text !== 'string' || !/^\s*-?\s*"?image"?\s*:/m.test(text)) continue
      const at = member(place, key)
      try {
        const inner = imagesInManifest(text)
        const above = lineAt(this.#text, at.offset) - 1
        this.images.push(...inner.images.map((image) => ({ ...image, line: above + image.line })))
        this.doubts.push(...inner.doubts.map((doubt) => ({ ...doubt, line: above + doubt.line })))
      } catch {
        this.#doubt(at, `the text of ${key} names images in a form that is not read`)
      }
    }
  }

  #found(reference: string, place: Place): void {
    this.images.push({ reference, line: lineAt(this.#text, place.offset) })
  }

  #doubt(place: Place, reason: string): void {
    this.doubts.push({ line: lineAt(this.#text, place.offset), reason })
  }
}

/** The name that charts and operators keep in pieces. */
function joined({ registry, tag, digest }: Record<string, unknown>, repository: string): string {
  const host = typeof registry === 'string' && registry !== '' ? `${registry}/` : ''
  const version = (typeof tag === 'string' && tag !== '') || typeof tag === 'number' ? `:${tag}` : ''
  const pin = typeof digest === 'string' && digest !== '' ? `@${digest}` : ''
  return `${host}${repository}${version}${pin}`
}

function nameOf(text: string): string | { readonly reason: string } {
  try {
    return fullName(parseReference(text.trim()))
  } catch (error) {
    if (SealerError.is(error)) return { reason: error.message }
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
