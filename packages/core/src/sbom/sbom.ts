import { join } from 'node:path'
import type { Attachment } from '../image/attachments.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import { mediaTypes } from '../image/oci.ts'
import type { LocalStore } from '../image/store.ts'
import { bomOf, type DescribedPlatform } from './cyclonedx.ts'
import { rootfsPackages } from './rootfs-packages.ts'

/** Media type and artifact type of CycloneDX in JSON. */
const sbomType = 'application/vnd.cyclonedx+json'
const emptyType = 'application/vnd.oci.empty.v1+json'

/** What an image is made of. */
export interface Sbom {
  readonly image: string
  readonly digest: string
  /** CycloneDX 1.6 as JSON. */
  readonly document: string
  /** How many things it names. */
  readonly components: number
}

/** The platforms of an image that are here, described as a CycloneDX document. @throws IMAGE_NOT_FOUND, IMAGE_INCOMPLETE, … */
export async function sbomOf(store: LocalStore, reference: string, cache: string, signal?: AbortSignal): Promise<Sbom> {
  const image = await store.resolve(reference)
  const notes = { files: new CacheNotes(join(cache, 'files')), packages: new CacheNotes(join(cache, 'packages')) }
  const platforms: DescribedPlatform[] = []
  for (const wanted of image.platforms) {
    const platform = await store.platform(image, wanted)
    platforms.push({ platform, packages: await rootfsPackages(platform.layers, store.blobs, notes, signal) })
  }
  const bom = bomOf(image, platforms)
  return {
    image: image.reference,
    digest: image.digest,
    document: `${JSON.stringify(bom, undefined, 2)}\n`,
    components: bom.components.length,
  }
}

/** Lets an SBOM belong to its image: a referrer that goes wherever the image goes. Gives the digest of its manifest. */
export async function attachSbom(store: LocalStore, { digest, document }: Sbom): Promise<string> {
  const { blobs } = store
  const subject = await store.find(digest)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: sbomType,
      config: { mediaType: emptyType, ...(await blobs.put(Buffer.from('{}'))) },
      layers: [
        {
          mediaType: sbomType,
          ...(await blobs.put(Buffer.from(document))),
          annotations: { 'org.opencontainers.image.title': 'sbom.cdx.json' },
        },
      ],
      subject: { mediaType: subject.mediaType, digest, size: subject.size },
    }),
  )
  const attachment: Attachment = {
    mediaType: mediaTypes.manifest,
    ...(await blobs.put(manifest)),
    type: sbomType,
  }
  await store.attach(digest, async (present) => [
    ...present.filter((one) => one.digest !== attachment.digest),
    attachment,
  ])
  return attachment.digest
}
