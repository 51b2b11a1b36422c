import type { HostSpec, Platform } from './hosts/host.ts'
import type { ClusterConfig } from './image/cluster-config.ts'
import type { ImageStore } from './image/image-store.ts'

/** The cluster image of a run, resolved once: what a tag means later does not matter. */
export interface WantedImage {
  /** As the user wrote it, e.g. `dashboard:v1`. */
  readonly reference: string
  /** Digest of the image's index. */
  readonly digest: string
  readonly platforms: readonly Platform[]
  /** What the image says of itself, for a platform it holds. */
  config(platform: Platform): Promise<ClusterConfig>
  readonly store: ImageStore
}

/** A document of the Clusterfile that a plugin has claimed, as plain data. */
export interface WantedDocument {
  readonly apiVersion: string
  readonly kind: string
  readonly value: Readonly<Record<string, unknown>>
}

/** Image, Clusterfile and command line merged once: command line over Clusterfile over image label. Read-only. */
export interface Wanted {
  /** The cluster's name, a DNS label. */
  readonly cluster: string
  readonly image: WantedImage
  /** E.g. `kubernetes`. */
  readonly runtime: string
  /** E.g. `baremetal`. */
  readonly infra: string
  /** In the order of the wish; masters first. Empty where the infra supplies them from `counts`. */
  readonly hosts: readonly HostSpec[]
  /** How many hosts of each role the infra is to supply, where hosts are not named. */
  readonly counts: { readonly masters: number; readonly nodes: number }
  readonly env: Readonly<Record<string, string>>
  /** Apps to launch in order; undefined: what the image says. */
  readonly apps?: readonly string[]
  /** Commands instead of the image's CMDS; undefined: what the image says. */
  readonly cmds?: readonly string[]
  readonly runtimeOptions: Readonly<Record<string, unknown>>
  readonly infraOptions: Readonly<Record<string, unknown>>
  readonly documents: readonly WantedDocument[]
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
  readonly registry: {
    /** Where containers' images come from when no host of the cluster has them. */
    readonly fallback: 'upstream' | 'never'
    /** TCP port on every master. */
    readonly port: number
  }
  /** Seconds to wait for readiness of nodes and apps. */
  readonly timeoutSeconds: number
}
