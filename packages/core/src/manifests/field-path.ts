import { documentsIn, type Spot } from './spot.ts'
import { wildcard } from './wildcard.ts'

/** One step of a path into an object. */
type Step =
  | { readonly key: string }
  | { readonly each: true }
  | { readonly where: string; readonly is: (text: string) => boolean }

/** A path into an object, ready to be followed. */
export type FieldPath = readonly Step[]

/** A path that cannot be read. */
export class PathProblem extends Error {}

const segment = /([^.[\]"]+)|\["([^"]*)"\]|\[([^=\]"]+)=([^\]"]*)\]|\[(\*|[0-9]+)\]/y

/**
 * Reads a path: `spec.containers.*.image`; `*` is every item of a list or member of a map, `[name=web-*]` those with such a text there,
 * `["a.b/c"]` a key with dots. The empty path is the object itself.
 * @throws PathProblem
 */
export function parsePath(text: string): FieldPath {
  const steps: Step[] = []
  for (let at = 0; at < text.length; ) {
    if (text[at] === '.' && at > 0) at++
    segment.lastIndex = at
    const match = segment.exec(text)
    if (match === null) throw new PathProblem(`"${text}" is no path: "${text.slice(at)}" is not understood`)
    const [whole, name, quoted, key, value, index] = match
    if (name === '*' || index === '*') steps.push({ each: true })
    else if (key !== undefined) steps.push({ where: key, is: wildcard(value ?? '') })
    else steps.push({ key: name ?? quoted ?? index ?? '' })
    at += whole.length
  }
  return steps
}

/** How many values one path may lead to, since aliases make a small text large. */
const mostValues = 10_000

/** The values that a path leads to. A path that goes on into a text reads the text as YAML. */
export function follow(start: Spot, path: FieldPath): readonly Spot[] {
  let spots: readonly Spot[] = [start]
  for (const step of path) {
    spots = spots.flatMap(opened).flatMap((spot) => membersBy(step, spot))
    if (spots.length > mostValues) return []
  }
  return spots
}

function membersBy(step: Step, spot: Spot): Spot[] {
  const { value } = spot
  if ('key' in step)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, step.key) ? [spot.into(step.key)] : []
  const all = spot.members().map(([, member]) => member)
  if ('each' in step) return all
  return all.filter(({ value: item }) => {
    const said = (item as Readonly<Record<string, unknown>> | null | undefined)?.[step.where]
    return typeof said === 'string' && step.is(said)
  })
}

/** A text as the documents in it; anything else as it is. */
function opened(spot: Spot): Spot[] {
  if (typeof spot.value !== 'string') return [spot]
  return documentsIn(spot.value, { above: spot.line - 1, path: spot.path }).flatMap((document) =>
    'root' in document ? [document.root] : [],
  )
}
