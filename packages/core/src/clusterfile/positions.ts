import { type Document, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml'

/** Where things stand in one document of a file. */
export interface Positions {
  /** `file:line:column` of the value at a path; of the nearest parent that exists where it is missing. */
  of(path: readonly PropertyKey[]): string
  /** `file:line:column` of a key in the map at a path. */
  ofKey(path: readonly PropertyKey[], key: string): string
}

/** Positions count from 1, as editors do. */
export function positionsIn(document: Document, lines: LineCounter, file: string): Positions {
  const place = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? document.range?.[0] ?? 0)
    return `${file}:${line}:${col}`
  }
  const node = (path: readonly PropertyKey[]): Node | undefined => {
    const found: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
    if (isNode(found)) return found
    return path.length === 0 ? undefined : node(path.slice(0, -1))
  }
  return {
    of: (path) => place(node(path)?.range?.[0]),
    ofKey: (path, key) => {
      const map = node(path)
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined
      return place(isScalar(pair?.key) ? pair.key.range?.[0] : map?.range?.[0])
    },
  }
}
