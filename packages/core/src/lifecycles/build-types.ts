import type { Platform } from '../hosts/host.ts'
import type { KubefileText } from '../kubefile/errors.ts'
import type { Kubefile } from '../kubefile/kubefile.ts'

/** A Kubefile with all that belongs to it, before it is executed. */
export interface BuildSource {
  readonly kubefile: Kubefile
  /** Absolute path of the build context. */
  readonly context: string
  /** The ignore file: `KUBEFILE.kubeignore`, else `.kubeignore` of the context. */
  readonly ignore?: KubefileText
  readonly platforms: readonly Platform[]
  readonly buildArgs: Readonly<Record<string, string>>
}

/** What a build has made. */
export interface BuildReport {
  readonly reference: string
  /** Digest of the index. */
  readonly digest: string
  readonly platforms: readonly Platform[]
  /** Instructions answered from the layer cache, and all that make layers. */
  readonly layers: { readonly cached: number; readonly total: number }
  /** Names of the container images carried. */
  readonly images: readonly string[]
  /** What an observed cluster asked for beyond what reading had found; absent when nothing was observed. */
  readonly observed?: readonly ObservedReport[]
}

/** A container image that was found by observing. */
export interface ObservedReport {
  readonly reference: string
  /** Digest of what was served under the name, and is carried. */
  readonly digest: string
  /** Who asked for it, e.g. `observed: Deployment shop/worker`. */
  readonly reasons: readonly string[]
}
