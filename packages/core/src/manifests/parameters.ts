import type { Spot } from './spot.ts'

// `${X}` of OpenShift's templates, `$(params.X)` of Tekton, `{{inputs.parameters.X}}` of Argo.
const use =
  /\$\{(\w+)\}|\$\((?:inputs\.)?params\.([\w-]+)\)|\{\{=?\s*(?:inputs|workflow)(?:\.arguments)?\.parameters\.([\w-]+)\s*\}\}/g

/** What parameters of an object are by themselves, or are set to inside of it. */
export class Parameters {
  readonly #object: Spot
  #known: ReadonlyMap<string, ReadonlySet<string>> | undefined

  constructor(object: Spot) {
    this.#object = object
  }

  /** The texts that a text can become; only itself when it has no parameter, or one that the object does not say. */
  fill(text: string): readonly string[] {
    if (!/[${]/.test(text)) return [text]
    this.#known ??= parametersOf(this.#object)
    const known = this.#known
    const alone = /^[^{]*$/.test(text.replace(use, '')) && text.replace(use, '').trim() === ''
    const values = (...names: (string | undefined)[]) => [
      ...(known.get(names.find((one) => one !== undefined) ?? '') ?? []),
    ]
    if (alone) {
      const [match] = text.matchAll(use)
      const all = match === undefined ? [] : values(match[1], match[2], match[3])
      return all.length === 0 ? [text] : all
    }
    return [text.replaceAll(use, (whole, a, b, c) => values(a, b, c)[0] ?? whole)]
  }
}

/** Lists of `{name, default}` or `{name, value}` under a key that says so. */
function parametersOf(object: Spot): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, Set<string>>()
  const seen = new Set<unknown>()
  const remember = (parameter: unknown): void => {
    const { name, default: given, value } = (parameter ?? {}) as Readonly<Record<string, unknown>>
    for (const text of [given, value]) {
      if (typeof name !== 'string' || typeof text !== 'string' || text === '' || /\$\(|\$\{|\{\{/.test(text)) continue
      known.set(name, (known.get(name) ?? new Set()).add(text))
    }
  }
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    for (const [key, member] of Object.entries(value)) {
      if ((key === 'params' || key === 'parameters') && Array.isArray(member)) for (const one of member) remember(one)
      visit(member)
    }
  }
  visit(object.value)
  return known
}
