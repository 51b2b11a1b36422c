/** To how many hosts one host passes blobs on. */
export const fanOut = 4

/** A host's place among those that pass blobs on. */
export interface Place<H> {
  /** Whom it gets them from, nearest first; none for the first host, which gets them from the operator. */
  readonly from: readonly H[]
  /** Whom it passes them on to. */
  readonly to: readonly H[]
}

/**
 * A tree over hosts in the order in which they are given: the first has the blobs before all others, and none passes them on to more than
 * `fanOut`. Whoever does not get them from its parent asks the first one.
 */
export function spread<H>(hosts: readonly H[], most = fanOut): ReadonlyMap<H, Place<H>> {
  const parentOf = (index: number) => Math.floor((index - 1) / most)
  return new Map(
    hosts.map((host, index) => {
      const sources = index === 0 ? [] : hosts.slice(parentOf(index), parentOf(index) + 1)
      const from = [...new Set([...sources, ...hosts.slice(0, index === 0 ? 0 : 1)])]
      return [host, { from, to: hosts.filter((_, other) => other > 0 && parentOf(other) === index) }]
    }),
  )
}
