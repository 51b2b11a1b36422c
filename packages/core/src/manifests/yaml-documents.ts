import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml'
import { manifestSchema } from './manifest-schema.ts'

/** Where a value begins in its text, and its members by key or index. */
export interface Place {
  readonly offset: number
  readonly members: ReadonlyMap<string, Place>
}

/** One document of a YAML stream. */
export interface YamlDocument {
  readonly value: unknown
  readonly place: Place
}

/** Text that is no YAML. The line counts from 1. */
export class YamlProblem extends Error {
  readonly line: number

  constructor(reason: string, line: number) {
    super(reason)
    this.line = line
  }
}

/** Aliases that one document may have; more would only be there to make a small text huge. */
const maxAliases = 1000

/** Reads a stream of YAML documents as Kubernetes reads it, with the places of all values. @throws YamlProblem */
export function yamlDocuments(text: string): YamlDocument[] {
  try {
    const events = parseEvents(text, {})
    const values = constructFromEvents(events, { source: text, schema: manifestSchema, maxAliases, json: true })
    const places = placesOf(events, text)
    return values.map((value, index) => ({ value, place: places[index] ?? nowhere }))
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new YamlProblem(error.reason, (error.mark?.line ?? 0) + 1)
  }
}

/** Tells the line of an offset, from 1. The text is read when the first line is asked for. */
export function linesOf(text: string): (offset: number) => number {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= lineStarts(text)
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** The place of a member, or of its parent where the member has none of its own (it came through `<<`). */
export const member = (place: Place, key: string): Place =>
  place.members.get(key) ?? { offset: place.offset, members: new Map() }

const nowhere: Place = { offset: 0, members: new Map() }

function placesOf(events: readonly Event[], text: string): Place[] {
  let index = 0

  /** Reads the node that begins at `index`; undefined at the end of its parent. */
  function next(): { readonly place: Place; readonly scalar?: string } | undefined {
    const event = events[index++]
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return { place: { offset: event.valueStart, members: new Map() }, scalar: getScalarValue(text, event) }
      case EVENT_ID.ALIAS:
        return { place: { offset: event.anchorStart, members: new Map() } }
      case EVENT_ID.SEQUENCE: {
        const members = new Map<string, Place>()
        for (let item = next(); item !== undefined; item = next()) members.set(String(members.size), item.place)
        return { place: { offset: event.start, members } }
      }
      case EVENT_ID.MAPPING: {
        const members = new Map<string, Place>()
        for (let key = next(); key !== undefined; key = next()) {
          const value = next()
          if (key.scalar !== undefined && value !== undefined) members.set(key.scalar, value.place)
        }
        return { place: { offset: event.start, members } }
      }
      default:
        return undefined
    }
  }

  const documents: Place[] = []
  while (index < events.length) {
    if (events[index++]?.type !== EVENT_ID.DOCUMENT) continue
    const root = next()
    documents.push(root?.place ?? nowhere)
  }
  return documents
}
