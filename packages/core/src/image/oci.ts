import type { Platform } from '../hosts/host.ts'

/** Media types of the OCI image specification, of docker's before it, and sealer's own. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  /** artifactType of a companion. */
  cluster: 'application/vnd.sealer.cluster.v1',
  clusterConfig: 'application/vnd.sealer.cluster.config.v1+json',
  clusterImages: 'application/vnd.sealer.cluster.images.v1+json',
  /** In a companion: a manifest or an index of a container image, as it is upstream. Under its own type, tools would take it for one of this image. */
  carriedManifest: 'application/vnd.sealer.cluster.manifest.v1+json',
} as const

/** Annotations that sealer reads and writes. */
export const annotations = {
  /** In a layout's `index.json`: the name. */
  refName: 'org.opencontainers.image.ref.name',
  /** The same as containerd and docker write it; always a full name. */
  containerdName: 'io.containerd.image.name',
  /** In a layout's `index.json`: when the name was given, RFC 3339. */
  created: 'org.opencontainers.image.created',
  /** In a delta's `index.json`: the images whose blobs were left out, each `NAME@DIGEST`, with commas between. */
  since: 'io.sealer.archive.since',
  /** In a layout's `index.json`, on a manifest without a name: the digest of what it belongs to. */
  attachedTo: 'io.sealer.attached.to',
  /** Beside it: what it is, an artifact type. */
  attachedAs: 'io.sealer.attached.as',
  /** In a cluster image's index, on the rootfs image: the digest of its companion. */
  companion: 'io.sealer.cluster.companion',
  /** In a cluster image's index, on the companion: the digest of its rootfs image. */
  rootfs: 'io.sealer.cluster.rootfs',
  /** On a companion: digests of rootfs layers, with commas between, that hold container images alone; hosts need them not. */
  imageLayers: 'io.sealer.cluster.image-layers',
  /** In the store's `index.json`: the digest that an image of sealer 0.9 to 0.11 has where it comes from. */
  origin: 'io.sealer.layout.origin',
  /** On a carried manifest in a companion: its own media type. */
  carriedType: 'io.sealer.cluster.media-type',
  /** On a rootfs layer: the Kubefile line that made it; becomes its entry in the history. */
  createdBy: 'io.sealer.layer.created-by',
} as const

/** Most bytes of a manifest, an index or one of sealer's JSON blobs; registries have the same limit. */
export const maxJsonBytes = 4 * 1024 * 1024

export const isIndexType = (mediaType: string): boolean =>
  mediaType === mediaTypes.index || mediaType === mediaTypes.dockerList
export const isManifestType = (mediaType: string): boolean =>
  mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest

/** Whether an image for `offered` runs on `wanted`. An arm64 without variant is v8 (image-spec, image-index.md). */
export function platformFits(wanted: Platform, offered: Platform): boolean {
  return (
    wanted.os === offered.os && wanted.architecture === offered.architecture && variantOf(wanted) === variantOf(offered)
  )
}

const variantOf = ({ architecture, variant }: Platform): string | undefined =>
  architecture === 'arm64' && variant === 'v8' ? undefined : variant
