/** Plain data of a YAML document. */
export type Tree = Readonly<Record<string, unknown>>

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Two documents in one: maps merge, the stronger's scalars and lists replace. Lists of `{ name, value }` (extraArgs, extraEnvs) merge by name.
 */
export function mergeTrees(weak: Tree, strong: Tree): Tree {
  const merged: Record<string, unknown> = { ...weak }
  for (const [key, value] of Object.entries(strong)) merged[key] = mergeValues(weak[key], value)
  return merged
}

function mergeValues(weak: unknown, strong: unknown): unknown {
  if (isTree(weak) && isTree(strong)) return mergeTrees(weak, strong)
  if (areNamed(weak) && areNamed(strong)) {
    const names = new Set(strong.map(({ name }) => name))
    return [...weak.filter(({ name }) => !names.has(name)), ...strong]
  }
  return strong
}

const areNamed = (value: unknown): value is readonly { readonly name: string }[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => isTree(one) && typeof one.name === 'string')

/** Where a document says something else than was computed. Lists are not compared: they are joined. */
export function contradictions(said: Tree, computed: Tree, path = ''): readonly Contradiction[] {
  return Object.entries(computed).flatMap(([key, value]) => {
    const field = path === '' ? key : `${path}.${key}`
    const own = said[key]
    if (own === undefined || Array.isArray(value)) return []
    if (isTree(value))
      return isTree(own) ? contradictions(own, value, field) : [{ field, wanted: own, computed: value }]
    return own === value ? [] : [{ field, wanted: own, computed: value }]
  })
}

export interface Contradiction {
  readonly field: string
  readonly wanted: unknown
  readonly computed: unknown
}

/** The value at `a.b.c`. */
export function valueAt(tree: Tree, field: string): unknown {
  let value: unknown = tree
  for (const key of field.split('.')) value = isTree(value) ? value[key] : undefined
  return value
}
