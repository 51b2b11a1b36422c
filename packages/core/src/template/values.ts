/** A value of a template: JSON. `undefined` is a field that is not there. */
export type Value = unknown

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value)
export const isMap = (value: Value): value is Readonly<Record<string, Value>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A map's entries by key, in the order in which Go walks them. */
export const entriesOf = (map: Readonly<Record<string, Value>>): [string, Value][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))

/** Whether `if` takes it for true: neither false, 0, nothing, nor an empty text, list or map. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0
  if (isMap(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** A value as Go prints it: lists in `[]` with blanks between, maps as `map[a:1 b:2]`. */
export function textOf(value: Value): string {
  if (isList(value)) return `[${value.map(textOf).join(' ')}]`
  if (isMap(value)) {
    const pairs = entriesOf(value).map(([key, one]) => `${key}:${textOf(one)}`)
    return `map[${pairs.join(' ')}]`
  }
  return value === undefined || value === null ? '<nil>' : String(value)
}
