import { posix } from 'node:path'
import { SealerError } from '../errors.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import { isWithin } from '../image/is-within.ts'
import { isDigest } from '../image/reference.ts'
import { type LayerMark, markAt } from '../image/rootfs-files.ts'
import { eachTarPart, openArchive, readBody, type TarEntry, type TarPart } from '../image/tar-file.ts'

/** What the layers of an old image hold of interest; their blobs of container images are in the store now. */
export interface OldLayers {
  /** Of its container images, `library/nginx:1.25` to the digest that the tag points at. */
  readonly tags: ReadonlyMap<string, string>
  /** Blobs that stand there with other bytes than their name says. */
  readonly altered: ReadonlySet<string>
  /** Paths of the files below `application/apps`. */
  readonly appFiles: readonly string[]
  /** Path to content of the text files that may name container images. */
  readonly texts: ReadonlyMap<string, string>
  /** Digests of the layers that hold container images and nothing else. */
  readonly imageLayers: readonly string[]
}

const storage = 'registry/docker/registry/v2'
const blobPattern = new RegExp(`^${storage}/blobs/sha256/[0-9a-f]{2}/([0-9a-f]{64})/data$`)
const tagPattern = new RegExp(`^${storage}/repositories/(.+)/_manifests/tags/([^/]+)/current/link$`)
const textPattern =
  /^(?:manifests|charts|application\/apps)\/.*(?:\.ya?ml|\.json|\.tmpl|\/imageList)$|^manifests\/imageList$/

/** Bounds of what is kept in memory: bytes of one text, of all of them; tags. */
const most = { text: 1024 * 1024, texts: 32 * 1024 * 1024, tags: 10_000 }
/** `sha256:` and 64 digits, with some room for a line end. */
const linkBytes = 128

/**
 * Reads the layers of an image of sealer 0.9 to 0.11, the lowest first. In `registry/` they have a storage folder of a registry: its blobs go
 * into the store, each proven; its tags are told. Hostile input: nothing but proven blobs is written, what is kept in memory is bounded.
 * @throws ARCHIVE_INVALID, STORE_FULL, and what `refuse` makes of a reason
 */
export async function readOldLayers(
  layers: readonly RootfsLayer[],
  blobs: BlobStore,
  refuse: (reason: string) => Error,
  signal?: AbortSignal,
): Promise<OldLayers> {
  const reading = new Reading(blobs, refuse, signal)
  for (const { blob } of layers) await reading.layer(blob.digest)
  return reading.result()
}

class Reading {
  readonly #blobs: BlobStore
  readonly #refuse: (reason: string) => Error
  readonly #signal: AbortSignal | undefined
  /** Path to what stands there: a tag's digest, a text, or nothing that matters. */
  readonly #files = new Map<string, { readonly tag?: readonly [string, string]; readonly text?: string }>()
  readonly #altered = new Set<string>()
  readonly #imageLayers: string[] = []
  #textBytes = 0
  #tags = 0

  constructor(blobs: BlobStore, refuse: (reason: string) => Error, signal: AbortSignal | undefined) {
    this.#blobs = blobs
    this.#refuse = refuse
    this.#signal = signal
  }

  async layer(digest: string): Promise<void> {
    const own = new Set<string>()
    let images = 0
    let others = 0
    const take = async ({ header: { type, size = 0 }, path, body }: TarPart) => {
      if (!isWithin(path, 'registry')) others++
      else if (type !== 'directory') images++
      const mark = markAt(path)
      if (mark !== undefined) this.#hide(mark, own)
      if (mark !== undefined || (type !== 'file' && type !== 'contiguous-file')) return
      own.add(path)
      await this.#file({ path, size, body })
    }
    await eachTarPart(await openArchive(this.#blobs.path(digest)), `The layer ${digest}`, take, this.#signal)
    if (images > 0 && others === 0) this.#imageLayers.push(digest)
  }

  result(): OldLayers {
    const files = [...this.#files]
    return {
      tags: new Map(files.flatMap(([, { tag }]) => (tag === undefined ? [] : [tag]))),
      altered: this.#altered,
      appFiles: files.flatMap(([path]) => (isWithin(path, 'application/apps') ? [path] : [])),
      texts: new Map(files.flatMap(([path, { text }]) => (text === undefined ? [] : [[path, text] as const]))),
      imageLayers: this.#imageLayers,
    }
  }

  /** Takes away what lower layers have; what this layer brings itself stays, wherever it stands in the tar. */
  #hide({ path, kind }: LayerMark, own: ReadonlySet<string>): void {
    for (const known of this.#files.keys()) {
      if (isWithin(known, path) && !(kind === 'opaque' && known === path) && !own.has(known)) this.#files.delete(known)
    }
  }

  async #file(node: TarEntry): Promise<void> {
    const { path } = node
    const blob = blobPattern.exec(path)?.[1]
    if (blob !== undefined) return this.#blob(`sha256:${blob}`, node)
    const [, repository, tag] = tagPattern.exec(path) ?? []
    if (repository !== undefined) return this.#tag(`${repository}:${tag}`, node)
    if (textPattern.test(path) && node.size <= most.text) return this.#text(node)
    if (isWithin(path, 'application/apps')) this.#files.set(path, {})
  }

  async #blob(digest: string, { size, body }: TarEntry): Promise<void> {
    if (await this.#blobs.keep(digest)) return
    try {
      await this.#blobs.put(body, { digest, size }, this.#signal)
      this.#altered.delete(digest)
    } catch (error) {
      if (!SealerError.is(error) || error.code !== 'BLOB_CORRUPT') throw error
      this.#altered.add(digest) // it matters if an image needs it
    }
  }

  async #tag(name: string, node: TarEntry): Promise<void> {
    if (++this.#tags > most.tags) throw this.#refuse(`it has more than ${most.tags} tags of container images`)
    const digest = (await readBody(node, node.path.slice(0, 200), linkBytes)).toString('latin1').trim()
    if (!isDigest(digest))
      throw this.#refuse(`the tag ${name.slice(0, 200)} in its registry points at no sha256 digest`)
    this.#files.set(node.path, { tag: [name, digest] })
  }

  async #text(node: TarEntry): Promise<void> {
    this.#textBytes += node.size
    const kept = this.#textBytes <= most.texts
    this.#files.set(node.path, kept ? { text: (await readBody(node, node.path, most.text)).toString('utf8') } : {})
  }
}

/** The files of an app, relative to its folder, in the order in which sealer 0.11 walked them. */
export function filesOfApp({ appFiles }: Pick<OldLayers, 'appFiles'>, app: string): string[] {
  const folder = `application/apps/${app}`
  const own = appFiles.filter((path) => path.startsWith(`${folder}/`)).map((path) => posix.relative(folder, path))
  return own.toSorted((a, b) => byParts(a.split('/'), b.split('/')))
}

function byParts(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, index) => part !== b[index])
  const [left, right] = [a[at] ?? '', b[at] ?? '']
  return at < 0 || left < right ? -1 : 1
}
