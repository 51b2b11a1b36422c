import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { Host, HostView } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage } from '../image/cluster-config.ts'
import { isIndexType, isManifestType } from '../image/oci.ts'
import { parseReference } from '../image/reference.ts'
import { hexOf, storageRoot } from './paths.ts'

const repositories = 'docker/registry/v2/repositories'

/** Repository of an upstream host inside our registry: a `:` in a repository's name makes registries fail. */
export const upstreamPath = (host: string): string => host.replaceAll(':', '__')

/** Repository under which hosts find blobs that they pass on to each other. No upstream has this name: it would hold a dot or a port. */
export const sharedRepository = 'sealer/shared'

/** One small file of the registry's storage that points at a blob. */
export interface Link {
  readonly path: string
  readonly digest: string
}

/** Links that make the blobs of images readable under their names (layout of the registry's file system driver). */
export function linksOf(images: readonly CarriedImage[]): readonly Link[] {
  return images.flatMap((image) => {
    const { registry, repository, tag } = parseReference(image.reference)
    const folder = `${repositories}/${upstreamPath(registry)}/${repository}`
    const tags =
      tag === undefined
        ? []
        : [`_manifests/tags/${tag}/current/link`, `_manifests/tags/${tag}/index/sha256/${hexOf(image.digest)}/link`]
    return [
      ...tags.map((path) => ({ path: `${folder}/${path}`, digest: image.digest })),
      ...image.blobs.map(({ digest, mediaType }) => ({
        path:
          isIndexType(mediaType) || isManifestType(mediaType)
            ? `${folder}/_manifests/revisions/sha256/${hexOf(digest)}/link`
            : `${folder}/_layers/sha256/${hexOf(digest)}/link`,
        digest,
      })),
    ]
  })
}

/** Links that let other hosts fetch these blobs. */
export const sharedLinks = (blobs: readonly BlobDescriptor[]): readonly Link[] =>
  blobs.map(({ digest }) => ({
    path: `${repositories}/${sharedRepository}/_layers/sha256/${hexOf(digest)}/link`,
    digest,
  }))

/** Writes the links beside the blobs: nothing is pushed or copied. */
export async function layOut(host: Host, links: readonly Link[]): Promise<void> {
  if (links.length === 0) return
  const archive = pack()
  const once = new Map(links.map((link) => [link.path, link]))
  for (const { path, digest } of once.values()) archive.entry({ name: path, mode: 0o644 }, digest)
  archive.finalize()
  await host.send(Readable.from(archive), 'tar', '-x', '-f', '-', '-C', storageRoot, '--no-same-owner')
}

// For each path and hex on standard input: the hex when the link or its blob is not there.
const seen = `while read -r path hex; do
  [ "$(cat "$1/$path" 2>/dev/null)" = "sha256:$hex" ] && [ -f "$1/docker/registry/v2/blobs/sha256/$(printf %.2s "$hex")/$hex/data" ] || echo "$hex"
done`

/** Hex of the blobs that a host does not serve under these names. */
export async function namesMissing(host: HostView, links: readonly Link[]): Promise<readonly string[]> {
  if (links.length === 0) return []
  const { stdout } = await host.inquire({
    argv: ['sh', '-c', seen, 'seen', storageRoot],
    input: links.map(({ path, digest }) => `${path} ${hexOf(digest)}\n`).join(''),
  })
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))]
}
