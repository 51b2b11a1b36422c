import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Clock, systemClock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import { isIndexType, isManifestType } from '../image/oci.ts'
import { fullName, isDigest, parseReference } from '../image/reference.ts'
import type { RegistryClient } from '../image/registry-client.ts'
import type { Repository } from '../image/registry-session.ts'
import { indexSchema, manifestSchema, parseJson } from '../image/schemas.ts'
import { type Asked, askedFor } from './asked.ts'
import { observeErrors } from './errors.ts'
import { PassingBlobs, type Span } from './passing-blobs.ts'

/** A container image that was asked for, and what was served under its name. */
export interface ObservedImage {
  /** Full name, e.g. `docker.io/library/nginx:1.25` or `…@sha256:…`. */
  readonly reference: string
  /** Digest of what was served: an index or a manifest. */
  readonly digest: string
}

/** A container image that was asked for and not served. */
export interface RefusedImage {
  readonly reference: string
  readonly reason: string
}

/** Where the proxy gets images from, and where it keeps them. */
export interface ProxySources {
  readonly client: Pick<RegistryClient, 'manifest' | 'fetchManifest' | 'fetchBlob'>
  readonly blobs: BlobStore
  /** The name with the digest that is to be served for it, where one is pinned. Throws what a name is refused with. */
  readonly pinned?: (reference: string) => string
  /** Nothing is served: whoever asks lacks something. */
  readonly closed?: boolean
  readonly clock?: Clock
  readonly signal?: AbortSignal
  /** Called when a name is asked for the first time. */
  readonly onAsked?: (reference: string) => void
}

/** Most names that one cluster may ask for. */
const mostNames = 10_000

/**
 * A registry that can be pulled from, for many upstreams (`/v2/docker.io/library/nginx/…`, or `?ns=docker.io`). What is asked for is fetched
 * with the operator's mirrors, CAs and logins, proven by its digest, kept in the store, and written down. Whoever asks is not trusted: only
 * blobs that a manifest names are fetched, and a tag means the same until the end.
 */
export class RecordingProxy {
  readonly #sources: ProxySources
  readonly #passing: PassingBlobs
  /** By `REGISTRY/REPOSITORY@DIGEST`: what manifests that were served name. */
  readonly #named = new Map<string, BlobDescriptor>()
  readonly #served = new Map<string, Promise<BlobDescriptor>>()
  readonly #observed = new Map<string, ObservedImage>()
  readonly #refused = new Map<string, RefusedImage>()
  #lastNews = 0

  constructor(sources: ProxySources) {
    this.#sources = sources
    this.#passing = new PassingBlobs(sources.blobs)
  }

  /** In the order of names: what was served. */
  get observed(): readonly ObservedImage[] {
    return [...this.#observed.values()].sort(byReference)
  }

  /** In the order of names: what was asked for and never served. */
  get refused(): readonly RefusedImage[] {
    return [...this.#refused.values()].filter(({ reference }) => !this.#observed.has(reference)).sort(byReference)
  }

  /** When something happened last that had not happened before, in milliseconds since 1970; a repeated refusal is no news. */
  get lastNews(): number {
    return this.#lastNews
  }

  /** Answers one request of the distribution specification. Never rejects. */
  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await this.#answer(request, response)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else refuse(response, error)
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = askedFor(request.url ?? '')
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'UNSUPPORTED', 'read only')
    if (asked === undefined) return end(response, 404, 'NAME_INVALID', 'no name of an image, with its registry')
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    if (asked.kind === 'version') return void response.writeHead(200).end()
    if (asked.kind === 'manifest') return await this.#answerManifest(asked, request, response)
    return await this.#answerBlob(asked, request, response)
  }

  async #answerManifest(
    { name, tagOrDigest }: Extract<Asked, { kind: 'manifest' }>,
    { method }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { mediaType, digest, size } = await this.#manifest(name, tagOrDigest)
    const bytes = await this.#sources.blobs.read(digest)
    response.writeHead(200, { 'content-type': mediaType, 'content-length': size, 'docker-content-digest': digest })
    response.end(method === 'HEAD' ? undefined : bytes)
  }

  /** The manifest or index, in the store. The parts of an index that was served are no images of their own. */
  async #manifest(name: Repository, tagOrDigest: string): Promise<BlobDescriptor> {
    const part = this.#named.get(`${place(name)}@${tagOrDigest}`)
    if (part !== undefined) {
      const bytes = await this.#sources.client.fetchManifest(name, part, this.#sources.blobs, this.#transfer)
      this.#learn(name, part, bytes)
      return part
    }
    const reference = `${place(name)}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`
    const known = this.#served.get(reference)
    if (known !== undefined) return await known
    const serving = this.#serve(reference)
    this.#served.set(reference, serving)
    serving.catch(() => this.#served.delete(reference)) // it may be there later
    return await serving
  }

  async #serve(reference: string): Promise<BlobDescriptor> {
    const { client, blobs, pinned = (name) => name, closed = false, onAsked } = this.#sources
    const isNew = !this.#observed.has(reference) && !this.#refused.has(reference)
    if (isNew && this.#observed.size + this.#refused.size >= mostNames)
      throw observeErrors.OBSERVE_TOO_MANY({ most: mostNames })
    if (isNew) {
      this.#news()
      onAsked?.(reference)
    }
    try {
      if (closed) throw observeErrors.OBSERVE_CLOSED({ image: reference })
      const name = parseReference(pinned(reference))
      const { blob, bytes } = await client.manifest(name, name.digest ?? name.tag ?? 'latest', this.#transfer)
      this.#learn(name, blob, bytes)
      await blobs.put(bytes, { digest: blob.digest })
      this.#named.set(`${place(name)}@${blob.digest}`, blob)
      this.#observed.set(reference, { reference, digest: blob.digest })
      this.#news()
      return blob
    } catch (error) {
      this.#refused.set(reference, { reference, reason: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }

  /** Remembers what a manifest names: that and nothing else is served. @throws OBSERVE_NO_IMAGE */
  #learn(name: Repository, { mediaType }: BlobDescriptor, bytes: Buffer): void {
    const refused = (reason: string) => observeErrors.OBSERVE_NO_IMAGE({ image: place(name), reason })
    if (isIndexType(mediaType)) {
      for (const part of parseJson(indexSchema, bytes, refused).manifests)
        this.#named.set(`${place(name)}@${part.digest}`, part)
    } else if (isManifestType(mediaType)) {
      const { config, layers } = parseJson(manifestSchema, bytes, refused)
      for (const part of [config, ...layers]) this.#named.set(`${place(name)}@${part.digest}`, part)
    } else throw refused(`it is of type ${mediaType}`)
  }

  async #answerBlob(
    { name, digest }: Extract<Asked, { kind: 'blob' }>,
    { method, headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const blob = this.#named.get(`${place(name)}@${digest}`)
    if (blob === undefined) return end(response, 404, 'BLOB_UNKNOWN', 'no manifest that was served names it')
    const { size } = blob
    const span = spanOf(headers.range, size)
    if (span === undefined) {
      response.setHeader('content-range', `bytes */${size}`)
      return end(response, 416, 'BLOB_UNKNOWN', 'the range lies outside')
    }
    const head = {
      'content-type': 'application/octet-stream',
      'content-length': span.end - span.start,
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
    }
    const write = () =>
      headers.range === undefined
        ? response.writeHead(200, head)
        : response.writeHead(206, { ...head, 'content-range': `bytes ${span.start}-${span.end - 1}/${size}` })
    if (method === 'HEAD') return void write().end()
    const { client, blobs } = this.#sources
    const pieces = this.#passing.read(blob, span, (wanted, onBytes) =>
      client.fetchBlob(name, wanted, blobs, {
        ...this.#transfer,
        onBytes: (_, here) => {
          this.#news()
          onBytes(here)
        },
      }),
    )
    const first = await pieces.next() // a failure before the first byte is told as such
    write()
    await pipeline(Readable.from(startingWith(first, pieces)), response)
    this.#news()
  }

  get #transfer() {
    const { signal } = this.#sources
    return signal === undefined ? {} : { signal }
  }

  #news(): void {
    this.#lastNews = (this.#sources.clock ?? systemClock).now()
  }
}

const place = ({ registry, repository }: Repository): string => fullName({ registry, repository })

const byReference = (a: { reference: string }, b: { reference: string }): number =>
  a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : 0

async function* startingWith(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done === true) return
  yield first.value
  yield* rest
}

/** One range of bytes (RFC 9110, 14.2); what is no such range means the whole. Undefined: it lies outside. */
function spanOf(range: string | undefined, size: number): Span | undefined {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '') ?? []
  if (from === undefined) return { start: 0, end: size }
  const start = Number(from)
  const end = to === undefined || to === '' ? size : Math.min(size, Number(to) + 1)
  return start < end ? { start, end } : undefined
}

/** What a client is told of a failure: whether it is there, whether it may be had. */
function refuse(response: ServerResponse, error: unknown): void {
  const code = SealerError.is(error) ? error.code : ''
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'REGISTRY_LACKS' || code === 'OBSERVE_CLOSED') end(response, 404, 'MANIFEST_UNKNOWN', message)
  else if (code === 'REGISTRY_DENIED' || code === 'LOCK_LACKS') end(response, 403, 'DENIED', message)
  else end(response, 502, 'UNKNOWN', message)
}

function end(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ errors: [{ code, message }] }))
}
