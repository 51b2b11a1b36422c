import type { Platform } from '../hosts/host.ts'
import type { PlatformImage } from './cluster-config.ts'
import { annotations } from './oci.ts'

/** One layer of a root file system, and what made it. */
export interface HistoryEntry {
  readonly platform: Platform
  /** The line of the Kubefile; undefined when the image does not say. */
  readonly createdBy?: string
  readonly digest: string
  readonly diffId: string
  readonly mediaType: string
  /** Bytes as it is stored. */
  readonly size: number
}

/** The layers of one platform, the newest first, as docker lists them. */
export function historyOf({ config, layers }: PlatformImage): HistoryEntry[] {
  const entries = layers.map(({ blob: { digest, mediaType, size, annotations: notes }, diffId }) => {
    const createdBy = notes?.[annotations.createdBy]
    return { platform: config.platform, ...(createdBy !== undefined && { createdBy }), digest, diffId, mediaType, size }
  })
  return entries.reverse()
}
