import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { codecOf, codecs } from './codec.ts'
import { imageErrors } from './errors.ts'
import type { FetchedImage } from './fetched-image.ts'
import { maxJsonBytes, mediaTypes } from './oci.ts'
import { fullName, parseReference } from './reference.ts'
import type { OciManifest } from './schemas.ts'
import { dockerArchiveSchema, imageConfigSchema, parseJson } from './schemas.ts'
import { afterStart, eachTarEntry, openArchive, readBody } from './tar-file.ts'

/** What a first look at the archive tells: its small documents and where its links lead. */
interface Listing {
  readonly documents: ReadonlyMap<string, Buffer>
  readonly links: ReadonlyMap<string, string>
}

interface LayerBlob {
  readonly blob: BlobDescriptor
  readonly diffId: string
}

/**
 * Brings the container images of `docker save` into the store. Such archives hold no manifests, so each image gets an OCI
 * manifest; its config, and with it the image's ID, stays as it is.
 * @throws ARCHIVE_INVALID, IMAGE_PLATFORM_MISSING
 */
export async function readDockerArchive(path: string, blobs: BlobStore, platform: Platform): Promise<FetchedImage[]> {
  const refuse = (reason: string) => imageErrors.ARCHIVE_INVALID({ archive: path, reason })
  const listing = await list(path)
  const manifestJson = listing.documents.get('manifest.json')
  if (manifestJson === undefined) throw refuse('it has no file manifest.json')
  const entries = parseJson(dockerArchiveSchema, manifestJson, refuse)

  const wanted = new Set(entries.flatMap((entry) => entry.Layers.map((layer) => target(listing, layer))))
  const layers = await storeLayers(path, wanted, blobs)
  const images: FetchedImage[] = []
  for (const entry of entries) {
    const names = (entry.RepoTags ?? []).map((tag) => fullName(parseReference(tag)))
    if (names.length === 0) throw refuse(`the image ${entry.Config.slice(0, 100)} has no name; save it by its name`)
    const config = listing.documents.get(target(listing, entry.Config))
    if (config === undefined) throw refuse(`the config ${entry.Config.slice(0, 100)} is not in it`)
    const { os, architecture, rootfs } = parseJson(imageConfigSchema, config, refuse)
    if (os !== platform.os || architecture !== platform.architecture) {
      const image = names.join(', ')
      throw imageErrors.IMAGE_PLATFORM_MISSING({
        image,
        platform: platformText(platform),
        available: `${os}/${architecture}`,
      })
    }
    const own = entry.Layers.map((layer) => layers.get(target(listing, layer)))
    if (own.length !== rootfs.diff_ids.length || own.some((layer, at) => layer?.diffId !== rootfs.diff_ids[at])) {
      throw refuse(`the layers of ${names.join(', ')} are not those that its config names`)
    }
    const image = await putImage(
      blobs,
      config,
      own.flatMap((layer) => layer?.blob ?? []),
    )
    images.push(...names.map((reference) => ({ reference, ...image })))
  }
  return images
}

async function list(path: string): Promise<Listing> {
  const documents = new Map<string, Buffer>()
  const links = new Map<string, string>()
  let bytes = 0
  await eachTarEntry(await openArchive(path), path, async (entry) => {
    if (entry.link !== undefined) links.set(entry.path, entry.link)
    if (entry.link !== undefined || !isDocument(entry.path) || entry.size > maxJsonBytes) return
    bytes += entry.size
    if (bytes <= 16 * maxJsonBytes) documents.set(entry.path, await readBody(entry, path, maxJsonBytes))
  })
  return { documents, links }
}

/** `manifest.json`, `<id>.json`, and, since docker 25, configs among the blobs of an OCI layout. */
const isDocument = (path: string): boolean => path.endsWith('.json') || /^blobs\/sha256\/[0-9a-f]{64}$/.test(path)

/** Older dockers write a repeated layer as a link to the first. */
const target = ({ links }: Listing, path: string): string => links.get(path) ?? path

async function storeLayers(
  path: string,
  wanted: ReadonlySet<string>,
  blobs: BlobStore,
): Promise<Map<string, LayerBlob>> {
  const layers = new Map<string, LayerBlob>()
  await eachTarEntry(await openArchive(path), path, async (entry) => {
    if (entry.link === undefined && wanted.has(entry.path)) layers.set(entry.path, await storeLayer(entry.body, blobs))
  })
  return layers
}

/** Layers lie there as plain tar, from some tools compressed; stored they are compressed. */
async function storeLayer(body: Readable, blobs: BlobStore): Promise<LayerBlob> {
  const pieces = body[Symbol.asyncIterator]()
  const first = await pieces.next()
  const start: Buffer = first.done === true ? Buffer.alloc(0) : first.value
  const whole = Readable.from(afterStart(start, pieces))
  const diff = createHash('sha256')
  const codec = codecOf(start)
  if (codec === undefined) {
    const packed = codecs.gzip.compress()
    const [blob] = await Promise.all([blobs.put(packed), pipeline(whole, hashing(diff), packed)])
    return { blob: { mediaType: mediaTypes.layerGzip, ...blob }, diffId: `sha256:${diff.digest('hex')}` }
  }
  const blob = await blobs.put(whole)
  await pipeline(blobs.open(blob.digest), codec.decompress(), async (plain: AsyncIterable<Buffer>) => {
    for await (const piece of plain) diff.update(piece)
  })
  return { blob: { mediaType: codec.mediaType, ...blob }, diffId: `sha256:${diff.digest('hex')}` }
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      hash.update(piece)
      yield piece
    }
  }
}

async function putImage(
  blobs: BlobStore,
  config: Buffer,
  layers: readonly BlobDescriptor[],
): Promise<Omit<FetchedImage, 'reference'>> {
  const configBlob: BlobDescriptor = { mediaType: mediaTypes.imageConfig, ...(await blobs.put(config)) }
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configBlob,
    layers: [...layers],
  }
  const root: BlobDescriptor = {
    mediaType: mediaTypes.manifest,
    ...(await blobs.put(Buffer.from(JSON.stringify(manifest)))),
  }
  const all = new Map([root, configBlob, ...layers].map((blob) => [blob.digest, blob]))
  return { digest: root.digest, mediaType: root.mediaType, blobs: [...all.values()] }
}
