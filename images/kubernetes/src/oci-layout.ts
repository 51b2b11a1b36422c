import type { Hash } from 'node:crypto'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Arch } from './platform.ts'
import type { Entries } from './tar.ts'
import { tar } from './tar.ts'

/** A container image to be written: layers from bottom to top, and how it starts. */
export interface ImageRecipe {
  /** Full name, e.g. `registry.k8s.io/pause:3.10.1`. */
  readonly name: string
  readonly layers: readonly Entries[]
  readonly entrypoint?: readonly string[]
  readonly user?: string
}

/** Content descriptor of the OCI image specification. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: { readonly architecture: string; readonly os: string }
  readonly annotations?: Readonly<Record<string, string>>
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'

/**
 * Writes container images as one OCI image layout. An image of one platform is a plain manifest, of several an index.
 * Equal files give equal digests (with the same zlib).
 */
export async function writeLayout(folder: string, images: ReadonlyMap<Arch, readonly ImageRecipe[]>): Promise<void> {
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  const manifests = new Map<string, Descriptor[]>()
  const layers = new LayerWriter(folder)
  for (const [arch, recipes] of images) {
    for (const recipe of recipes) {
      const manifest = await writeImage(folder, recipe, arch, layers)
      manifests.set(recipe.name, [...(manifests.get(recipe.name) ?? []), manifest])
    }
  }
  const named: Descriptor[] = []
  for (const [name, all] of manifests) {
    const [only, ...others] = all
    if (only === undefined) continue
    const top = others.length === 0 ? only : await writeIndex(folder, all)
    named.push({ ...top, annotations: { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name } })
  }
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: named }),
  )
}

async function writeImage(folder: string, recipe: ImageRecipe, arch: Arch, writer: LayerWriter): Promise<Descriptor> {
  const layers: Layer[] = []
  for (const entries of recipe.layers) layers.push(await writer.write(entries))
  const config = {
    created: '1970-01-01T00:00:00Z',
    architecture: arch,
    os: 'linux',
    config: {
      ...(recipe.user !== undefined && { User: recipe.user }),
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(recipe.entrypoint !== undefined && { Entrypoint: recipe.entrypoint }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: await writeBlob(folder, 'application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ blob }) => blob),
  }
  return { ...(await writeBlob(folder, manifestType, manifest)), platform: { architecture: arch, os: 'linux' } }
}

async function writeIndex(folder: string, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return writeBlob(folder, indexType, { schemaVersion: 2, mediaType: indexType, manifests })
}

async function writeBlob(folder: string, mediaType: string, content: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(content))
  const hex = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(folder, 'blobs', 'sha256', hex), bytes)
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
}

interface Layer {
  readonly blob: Descriptor
  readonly diffId: string
}

/** Writes layers; the same entries, used by two images, are packed once. */
class LayerWriter {
  readonly #folder: string
  readonly #written = new Map<Entries, Promise<Layer>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  write(entries: Entries): Promise<Layer> {
    const layer = this.#written.get(entries) ?? this.#pack(entries)
    this.#written.set(entries, layer)
    return layer
  }

  async #pack(entries: Entries): Promise<Layer> {
    const blobs = join(this.#folder, 'blobs', 'sha256')
    const unfinished = join(blobs, `unfinished-${this.#written.size}`)
    const raw = createHash('sha256')
    const packed = createHash('sha256')
    let size = 0
    const watch = (hash: Hash, count: (bytes: number) => void) =>
      new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk)
          count(chunk.length)
          done(undefined, chunk)
        },
      })
    await pipeline(
      Readable.from(tar(entries), { objectMode: false, highWaterMark: 1 << 20 }),
      watch(raw, () => undefined),
      createGzip({ level: 3 }),
      watch(packed, (bytes) => {
        size += bytes
      }),
      createWriteStream(unfinished),
    )
    const hex = packed.digest('hex')
    await rename(unfinished, join(blobs, hex))
    return {
      blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex}`, size },
      diffId: `sha256:${raw.digest('hex')}`,
    }
  }
}
