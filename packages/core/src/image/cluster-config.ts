/** One app of a cluster image. */
export interface AppConfig {
  readonly name: string
  readonly type: 'helm' | 'kube' | 'shell' | 'other'
  /** Paths below `application/apps/NAME/`, in launch order; for a chart, its folder (`.`). */
  readonly files: readonly string[]
  /** APPCMDS: run instead of what the type says. */
  readonly cmds?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `cni` and `csi` apps are launched by the runtime before all others. */
  readonly kind?: 'cni' | 'csi'
}

/** One part of a base image: where it came from and under which licence. */
export interface PartInfo {
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly source: 'official' | 'built'
}

/**
 * What a cluster image says of itself for one platform: the config blob of the companion,
 * `application/vnd.sealer.cluster.config.v1+json` (docs/design/image-format.md).
 */
export interface ClusterConfig {
  readonly schemaVersion: 1
  /** A base or a whole cluster can be installed on bare hosts; an app image needs a cluster. */
  readonly type: 'kube-installer' | 'app-installer'
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly runtime: { readonly type: string; readonly version?: string }
  readonly apps: readonly AppConfig[]
  /** LAUNCH: names of apps in order. CNI and CSI apps are not here; they are launched before. */
  readonly launch: readonly string[]
  /** CMDS and CMD: whole commands in order. */
  readonly cmds: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly requirements: { readonly kubernetes?: string }
  readonly parts: readonly PartInfo[]
  /** `built` as soon as one part was built rather than fetched from its makers. */
  readonly source: 'official' | 'built' | 'none'
}

/** One container image carried by a cluster image. */
export interface CarriedImage {
  /** Full name as pods write it, e.g. `docker.io/library/nginx:1.25` or `…@sha256:…`. */
  readonly reference: string
  /** Digest of what the name points at upstream: an index or a manifest. */
  readonly digest: string
  readonly mediaType: string
  /** Every blob that this platform's image needs: upstream index (if any), manifest, config, layers. */
  readonly blobs: readonly BlobDescriptor[]
  /** Apps that need it. */
  readonly apps: readonly string[]
  /** Why it is here, e.g. `manifests/web.yaml:12`, `manifests/imageList:3`. */
  readonly reasons: readonly string[]
}

/** OCI content descriptor (image-spec, descriptor.md). */
export interface BlobDescriptor {
  readonly mediaType: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
}

/** A layer of the rootfs image. */
export interface RootfsLayer {
  readonly blob: BlobDescriptor
  /** sha256 of the uncompressed tar. */
  readonly diffId: string
}

/** All that one platform of a cluster image consists of; what distribution works from. */
export interface PlatformImage {
  readonly config: ClusterConfig
  /** Digest of the rootfs image's manifest. */
  readonly rootfs: string
  /** Those that hosts need; images of sealer 0.9 to 0.11 have others as well. */
  readonly layers: readonly RootfsLayer[]
  readonly images: readonly CarriedImage[]
}
