import { fullName, parseReference, type Reference, readReference } from '../image/reference.ts'
import type { OldContainerImage } from './extension.ts'
import type { OldLayers } from './read-layers.ts'

/** A place of an old image that gives a container image its full name. */
interface Naming {
  readonly reference: string
  readonly place: string
  readonly app?: string
}

/** The name of a container image of which only path and tag are stored. */
export interface RestoredName {
  readonly reference: string
  readonly apps: readonly string[]
  readonly reasons: readonly string[]
  /** What a user should know. */
  readonly doubt?: string
}

/** The registry of sealer 0.11 itself, where every container image of a cluster could be had, whatever its own registry. */
export const oldRegistry = 'sea.hub:5000'

/**
 * Gives container images back the registry that the storage folder does not keep: by the image's own list, by `manifests/imageList`, else by what
 * stands in its manifests. Where none or several fit, the image has the name under which the original's registry served it: no guess.
 */
export class OldNames {
  readonly #own: readonly Naming[]
  readonly #listed: ReadonlyMap<string, readonly Naming[]>
  readonly #texts: OldLayers['texts']
  #written: ReadonlyMap<string, readonly WrittenName[]> | undefined

  constructor(listed: readonly OldContainerImage[], texts: OldLayers['texts']) {
    const lines = (texts.get('manifests/imageList') ?? '').split('\n').map((line) => line.trim())
    this.#own = listed.flatMap(({ image, appName }) =>
      naming(image, 'its list of container images', appName ?? undefined),
    )
    this.#listed = grouped(
      [
        ...this.#own,
        ...lines.flatMap((line, at) =>
          line.startsWith('#') ? [] : naming(line.replaceAll(/^["']|["']$/g, ''), `manifests/imageList:${at + 1}`),
        ),
      ],
      storedAs,
    )
    this.#texts = texts
  }

  /** @param stored path and tag, e.g. `library/nginx:1.25` */
  of(stored: string): RestoredName {
    const namings = this.#listed.get(stored) ?? this.#inTexts(stored)
    const references = unique(namings.map(({ reference }) => reference))
    const [reference] = references
    if (reference !== undefined && references.length === 1) {
      const places = unique(namings.map(({ place }) => place))
      return { reference, apps: unique(namings.flatMap(({ app }) => app ?? [])), reasons: places.slice(0, mostReasons) }
    }
    const own = `${oldRegistry}/${stored}`
    const doubt =
      references.length === 0
        ? `${stored} is stored without the name of its registry, and nothing in the image tells it; it is carried as ${own}.`
        : `${references.join(' and ')} were stored in one place, so only one of them is there, and which cannot be told; it is carried as ${own}.`
    return { reference: own, apps: [], reasons: [doubt], doubt }
  }

  /** Names that the image lists and of which nothing is stored. */
  unstored(tags: ReadonlyMap<string, string>): string[] {
    return unique(this.#own.flatMap((one) => (tags.has(storedAs(one)) ? [] : one.reference))).sort()
  }

  /** A name without a tag counts where the tag stands elsewhere in the same text, as in the values of a chart. */
  #inTexts(stored: string): Naming[] {
    this.#written ??= grouped(
      [...this.#texts].flatMap(([path, text]) => namesIn(text, path)),
      ({ name }) => name.repository,
    )
    const colon = stored.lastIndexOf(':')
    const tag = stored.slice(colon + 1)
    const written = this.#written.get(stored.slice(0, colon)) ?? []
    return written.flatMap(({ name, place, tags }) =>
      name.tag === tag || (name.tag === undefined && tags.has(tag))
        ? [{ reference: fullName({ ...name, tag }), place, ...appOf(place) }]
        : [],
    )
  }
}

const mostReasons = 100

/** A name in a text, and all words of the text that could be tags. */
interface WrittenName {
  readonly name: Reference
  readonly place: string
  readonly tags: ReadonlySet<string>
}

/** Words of a text that are names with a path or a tag. They are held against what is stored, so what only looks like a name does no harm. */
function namesIn(text: string, path: string): WrittenName[] {
  const lines = text.split('\n').map((line) => line.split(/[^\w.:/@-]+/))
  const tags = new Set(lines.flat().filter((word) => tagPattern.test(word)))
  tags.add('latest')
  return lines.flatMap((words, at) =>
    words.flatMap((word) => {
      const name = /[/:]/.test(word) ? nameIn(word) : undefined
      if (name === undefined) return []
      const { tag, ...bare } = name
      return [
        { name: /:[^/]*$/.test(word) ? { ...bare, ...(tag && { tag }) } : bare, place: `${path}:${at + 1}`, tags },
      ]
    }),
  )
}

const tagPattern = /^\w[\w.-]{0,127}$/

function naming(image: string, place: string, app?: string): Naming[] {
  const name = nameIn(image)
  return name === undefined ? [] : [{ reference: fullName(name), place, ...(app !== undefined && { app }) }]
}

function nameIn(text: string): Reference | undefined {
  const name = readReference(text)
  return name?.digest === undefined ? name : undefined
}

/** Of the files of an app, the app. */
function appOf(place: string): { readonly app?: string } {
  const app = /^application\/apps\/([^/]+)\//.exec(place)?.[1]
  return app === undefined ? {} : { app }
}

/** Where the storage folder keeps an image: by path and tag, without the registry. */
function storedAs({ reference }: Naming): string {
  const { repository, tag = 'latest' } = parseReference(reference)
  return `${repository}:${tag}`
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]
