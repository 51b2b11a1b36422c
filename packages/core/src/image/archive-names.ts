import { nameInLayout } from './archives.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { imageErrors } from './errors.ts'
import { isIndexType } from './oci.ts'

/** One, or the manifests of several platforms: an image of sealer 0.9 to 0.11. */
export type Roots = [BlobDescriptor, ...BlobDescriptor[]]

/**
 * What an archive or a layout holds, under its names or under the one that is given. Other tools write a tag alone, or list the parts of an image
 * beside it; parts are no images.
 * @throws ARCHIVE_INVALID
 */
export function namedRoots(
  roots: readonly BlobDescriptor[],
  archive: string,
  given: string | undefined,
): ReadonlyMap<string, Roots> {
  const refuse = (reason: string) => imageErrors.ARCHIVE_INVALID({ archive, reason })
  if (roots.length === 0) throw refuse('there is no image in it')
  if (given !== undefined) return new Map([[given, onlyImage(roots, refuse, given)]])
  const names = new Map<string, Roots>()
  for (const root of roots) {
    const name = nameInLayout(root)
    const others = names.get(name ?? '')
    if (others !== undefined) others.push(root)
    else if (name !== undefined) names.set(name, [root])
  }
  const digests = new Set([...names.values()].flat().map(({ digest }) => digest))
  const nameless = roots.find((root) => !digests.has(root.digest) && (names.size === 0 || isIndexType(root.mediaType)))
  if (nameless !== undefined) throw refuse(`${nameless.digest} has no full name; give it one with: sealer load -t NAME`)
  return names
}

/** The one index; without any, all manifests. */
function onlyImage(roots: readonly BlobDescriptor[], refuse: (reason: string) => Error, name: string): Roots {
  const distinct = [...new Map(roots.map((root) => [root.digest, root])).values()]
  const indexes = distinct.filter(({ mediaType }) => isIndexType(mediaType))
  if (indexes.length > 1) throw refuse(`it holds ${indexes.length} images, which cannot all be named ${name}`)
  const [first, ...more] = indexes.length > 0 ? indexes : distinct
  if (first === undefined) throw refuse('there is no image in it')
  return [first, ...more]
}
