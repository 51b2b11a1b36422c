/** Something in which two images contradict each other. */
export interface Conflict {
  /** Names of the images. */
  readonly images: readonly [string, string]
  /** Goes on after their names, e.g. `have different files at etc/x`. */
  readonly what: string
}

/** A thing of each image, under the image's name. */
export interface Named<T> {
  readonly name: string
  readonly value: T
}

/** What came of merging: the union, and all that contradicts. */
export interface Merged<T> {
  readonly value: T
  readonly conflicts: readonly Conflict[]
}

/**
 * The union of entries by key. An entry that two images have must be the same, or go together in what `join` makes of both.
 * @param what tells a contradiction, e.g. `(key) => 'have different apps named web'`
 */
export function unionOf<T>(
  images: readonly Named<readonly (readonly [key: string, entry: T])[]>[],
  join: (first: T, second: T) => T | undefined,
  what: (key: string, first: T, second: T) => string,
): Merged<ReadonlyMap<string, T>> {
  const union = new Map<string, T>()
  const owner = new Map<string, string>()
  const conflicts: Conflict[] = []
  for (const { name, value } of images) {
    for (const [key, entry] of value) {
      const known = union.get(key)
      const joined = known === undefined ? entry : join(known, entry)
      if (joined !== undefined) union.set(key, joined)
      else if (known !== undefined) {
        conflicts.push({ images: [owner.get(key) ?? '', name], what: what(key, known, entry) })
      }
      if (!owner.has(key)) owner.set(key, name)
    }
  }
  return { value: union, conflicts }
}
