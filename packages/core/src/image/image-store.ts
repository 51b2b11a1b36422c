import type { Readable } from 'node:stream'
import type { Platform } from '../hosts/host.ts'
import type { BlobDescriptor, PlatformImage } from './cluster-config.ts'

/** How an image came into the store. */
export type ImageOrigin = 'built' | 'pulled' | 'loaded'

/** A cluster image in the store. */
export interface StoredImage {
  /** Full name, e.g. `docker.io/sealerio/kubernetes:v1.34.4`. */
  readonly reference: string
  /** Digest of the index. */
  readonly digest: string
  readonly platforms: readonly Platform[]
  /** Bytes of all blobs that it needs, each counted once. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly created: number
  /** The digest that an image of sealer 0.9 to 0.11 has where it comes from; here it has another (docs/design/old-images.md). */
  readonly origin?: string
  /** Absent when another tool has put it there. */
  readonly provenance?: ImageOrigin
}

/**
 * Blobs by digest and names of images on this machine: a standard OCI layout on disk (image-spec, image-layout.md).
 * Safe for several processes at once.
 */
export interface ImageStore {
  /** Folder of the OCI layout. */
  readonly path: string
  list(): Promise<readonly StoredImage[]>
  /** By name (short names are completed as docker does), by digest, or by an unambiguous prefix of it. @throws IMAGE_NOT_FOUND */
  resolve(reference: string): Promise<StoredImage>
  /** What distribution needs of one platform, checked against its schema. @throws IMAGE_INVALID, IMAGE_PLATFORM_MISSING */
  platform(image: StoredImage, platform: Platform): Promise<PlatformImage>
  has(digest: string): Promise<boolean>
  /** Path of a blob's file. */
  blobPath(digest: string): string
  /** A blob from an offset in bytes on. */
  open(blob: BlobDescriptor, offset?: number): Readable
}
