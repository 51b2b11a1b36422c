import type { DocumentClaim } from '../site/manifest.ts'
import type { ClusterfileReading } from './read-clusterfile.ts'

/**
 * Reads a Clusterfile: one `Cluster` and documents that plugins claim. Everything that is not understood is refused with its place, all at once.
 * @throws CLUSTERFILE_INVALID with a problem each
 */
export async function readClusterfile(
  text: string,
  file: string,
  claims: readonly DocumentClaim[] = [],
): Promise<ClusterfileReading> {
  const reader = await import('./read-clusterfile.ts') // most commands read none and need no YAML
  return reader.readClusterfile(text, file, claims)
}
