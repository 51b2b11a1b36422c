import { buildErrors } from '../kubefile/errors.ts'
import { type FieldPath, follow, PathProblem, parsePath } from './field-path.ts'
import type { Spot } from './spot.ts'
import { wildcard } from './wildcard.ts'

/**
 * Where a kind of object names container images. Written in YAML in a file of rules, or as data by a plugin (hook `build.rules`).
 * Paths are those of `parsePath`.
 */
export interface ImageRule {
  /** API group: `monitoring.coreos.com`, `''` for Kubernetes' core. `*` stands for any text. */
  readonly group: string
  /** Kinds in that group; all of them when nothing is said. */
  readonly kinds?: readonly string[]
  /** Names of the objects, `*` standing for any text; all of them when nothing is said. */
  readonly names?: readonly string[]
  readonly images?: readonly ImageField[]
  /** Fields that are not looked into: what looks like an image in them is none. The empty path is the whole object. */
  readonly ignore?: readonly string[]
}

/**
 * A path to a name (or to names, or to a map of `registry`, `repository`, `tag`, `digest`), or a name with fields in it:
 * `quay.io/x/{spec.repository}:{spec.tag}`. `{a|b}` is the first of those that there is; `{a|"text"}` the text when there is no `a`;
 * a path that begins with `/` begins at the object; `{a~8.*}` is there only when the value is such a text.
 */
export type ImageField =
  | string
  | {
      /** The first of these that there is. */
      readonly first: readonly string[]
      /** The things that the paths begin at, one after the other; the object itself when nothing is said. */
      readonly each?: string
      /** What comes before the name: `docker://` in a text, `--reloader-image` in a list of arguments. Other texts are passed over. */
      readonly after?: string
    }

/** A name that a rule has put together, or a value that holds names, and where it stands. */
export interface RuleFinding {
  readonly spot: Spot
  /** Undefined when the value itself is the name. */
  readonly name?: string
  /** Values that are a part of the name. */
  readonly parts: readonly Spot[]
}

/** What rules say of one object. */
export interface RuleVerdict {
  readonly findings: readonly RuleFinding[]
  /** Paths, as `Spot` writes them, that are not looked into. */
  readonly ignored: ReadonlySet<string>
}

/** Rules, ready to be asked. */
export class RuleTable {
  readonly #exact = new Map<string, CompiledRule[]>()
  readonly #wild: CompiledRule[] = []

  /** @throws IMAGE_RULE_INVALID */
  constructor(rules: readonly ImageRule[]) {
    for (const rule of rules) {
      const compiled = compile(rule)
      if (rule.group.includes('*')) this.#wild.push(compiled)
      else this.#exact.set(rule.group, [...(this.#exact.get(rule.group) ?? []), compiled])
    }
  }

  /** What the rules say of an object, read from its root. */
  ask(object: Spot, { group, kind, name }: { group: string; kind: string; name: string }): RuleVerdict {
    const rules = [...(this.#exact.get(group) ?? []), ...this.#wild.filter((rule) => rule.group(group))].filter(
      (rule) => rule.kind(kind) && rule.name(name),
    )
    return {
      findings: rules.flatMap(({ fields }) => fields.flatMap((field) => field(object))),
      ignored: new Set(
        rules.flatMap(({ ignored }) => ignored.flatMap((path) => follow(object, path).map((spot) => spot.path))),
      ),
    }
  }
}

interface CompiledRule {
  readonly group: (text: string) => boolean
  readonly kind: (text: string) => boolean
  readonly name: (text: string) => boolean
  readonly fields: readonly ((object: Spot) => readonly RuleFinding[])[]
  readonly ignored: readonly FieldPath[]
}

function compile(rule: ImageRule): CompiledRule {
  const { group, kinds, names, images = [], ignore = [] } = rule
  try {
    return {
      group: wildcard(group),
      kind: kinds === undefined ? () => true : (kind) => kinds.includes(kind),
      name: names === undefined ? () => true : (name) => names.some((one) => wildcard(one)(name)),
      fields: images.map(compileField),
      ignored: ignore.map(parsePath),
    }
  } catch (error) {
    if (!(error instanceof PathProblem)) throw error
    const objects = `${kinds?.join(', ') ?? 'all kinds'} of ${group === '' ? 'the core' : group}`
    throw buildErrors.IMAGE_RULE_INVALID({ objects, reason: error.message }, { cause: error })
  }
}

function compileField(field: ImageField): CompiledRule['fields'][number] {
  const { first, each = '', after } = typeof field === 'string' ? { first: [field] } : field
  const start = parsePath(each)
  const choices = first.map(compileChoice)
  return (object) =>
    follow(object, start).flatMap((base) => {
      for (const choice of choices) {
        const findings = choice(base, object)
        if (findings.length > 0)
          return after === undefined ? findings : findings.flatMap((one) => textAfter(after, one))
      }
      return []
    })
}

type Choice = (base: Spot, object: Spot) => readonly RuleFinding[]

function compileChoice(text: string): Choice {
  if (!text.includes('{')) {
    const path = parsePath(text)
    return (base) =>
      follow(base, path)
        .filter(isSaid)
        .map((spot) => ({ spot, parts: [spot] }))
  }
  const pieces = text.split(/\{([^{}]*)\}/).map((piece, index) => (index % 2 === 0 ? piece : compileSlot(piece)))
  return (base, object) => {
    let name = ''
    const parts: Spot[] = []
    for (const piece of pieces) {
      const filled = typeof piece === 'string' ? { text: piece } : piece(base, object)
      if (filled === undefined) return []
      name += filled.text
      if (filled.spot !== undefined) parts.push(filled.spot)
    }
    return [{ spot: parts[0] ?? base, name: asTagged(name), parts }]
  }
}

/** Some operators take a digest where others have a tag; what tags cannot hold of a version becomes `-`. */
const asTagged = (name: string): string => name.replace(/:(?=sha256:)/, '@').replaceAll('+', '-')

type Slot = (base: Spot, object: Spot) => { readonly text: string; readonly spot?: Spot } | undefined

/** `a|/b~8.*|"text"` */
function compileSlot(text: string): Slot {
  const choices = text.split('|').map((choice): Slot => {
    const literal = /^"(.*)"$/.exec(choice)?.[1]
    if (literal !== undefined) return () => ({ text: literal })
    const [way = '', wanted = '*'] = choice.split('~')
    const path = parsePath(way.replace(/^\//, ''))
    const fits = wildcard(wanted)
    return (base, object) => {
      const [spot] = follow(choice.startsWith('/') ? object : base, path).filter(isSaid)
      const said = spot && isScalar(spot.value) ? String(spot.value).trim() : undefined
      return said !== undefined && spot !== undefined && fits(said) ? { text: said, spot } : undefined
    }
  })
  return (base, object) => {
    for (const choice of choices) {
      const filled = choice(base, object)
      if (filled !== undefined) return filled
    }
    return undefined
  }
}

/** A name that follows a text, or is the item after it in a list of arguments. */
function textAfter(before: string, { spot }: RuleFinding): RuleFinding[] {
  const texts = Array.isArray(spot.value) ? spot.members().map(([, item]) => item) : [spot]
  return texts.flatMap((one, index) => {
    const { value } = one
    if (typeof value !== 'string' || !value.startsWith(before)) return []
    const name = value.slice(before.length).replace(/^=/, '')
    if (name !== '')
      return /^[A-Za-z0-9[]/.test(name) && (/[^\w]$/.test(before) || value.startsWith('=', before.length))
        ? [{ spot: one, name, parts: [one] }]
        : []
    const next = texts[index + 1]
    return typeof next?.value === 'string' ? [{ spot: next, parts: [next] }] : []
  })
}

const isScalar = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'
const isSaid = ({ value }: Spot): boolean => value !== undefined && value !== null && value !== ''
