import { Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import type { Platform } from '../hosts/host.ts'
import type { Secrets } from '../secrets.ts'
import type { BlobStore, StoredBlob } from './blobs.ts'
import { digestOf } from './blobs.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { type Credential, Credentials, foreignLogins } from './credentials.ts'
import { imageErrors } from './errors.ts'
import type { FetchedImage } from './fetched-image.ts'
import { fetchPlatform } from './fetched-image.ts'
import { isIndexType, isManifestType, maxJsonBytes, mediaTypes } from './oci.ts'
import { fullName, isDigest, parseReference } from './reference.ts'
import { registryErrors } from './registry-errors.ts'
import type { Answer, Ask } from './registry-http.ts'
import { RegistryHttp, readAtMost, translated } from './registry-http.ts'
import { listRepositories, listTags } from './registry-listing.ts'
import { listReferrers, type Referrer, sendReferrer } from './registry-referrers.ts'
import { pull, push, RegistrySession, type Repository } from './registry-session.ts'
import { RegistrySites } from './registry-sites.ts'
import { sideBySide } from './side-by-side.ts'

export interface RegistryOptions {
  /** Folder that holds `auth.json`. */
  readonly home: string
  readonly clock: Clock
  readonly secrets: Pick<Secrets, 'remember'>
  /** Plain HTTP and any certificate are accepted. */
  readonly insecure?: boolean
  /** Logins by registry for this client alone; they come before those that are kept. */
  readonly logins?: ReadonlyMap<string, Credential>
}

export interface Transfer {
  /** Not from a mirror: what it holds may be of yesterday. */
  readonly direct?: boolean
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of this blob that have arrived so far. */
  readonly onBytes?: (blob: StoredBlob, bytes: number) => void
}

/** Blobs moved at the same time. */
export const transfersAtOnce = 4
const attemptsAtMirror = 2
const outOfOrder = new Set(['REGISTRY_UNREACHABLE', 'REGISTRY_UNTRUSTED', 'REGISTRY_BUSY'])
const manifestTypes = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(
  ', ',
)

/** A client of registries after the OCI distribution specification 1.1. Close it with `await using`. */
export class RegistryClient implements AsyncDisposable {
  readonly #session: RegistrySession
  readonly #sites: RegistrySites
  /** Mirrors that did not answer; they are not asked again by this client. */
  readonly #down = new Set<string>()
  readonly credentials: Credentials

  constructor({ home, clock, secrets, insecure, logins }: RegistryOptions) {
    this.credentials = new Credentials(home, foreignLogins(), secrets, logins)
    this.#sites = new RegistrySites(home)
    const http = new RegistryHttp(this.credentials, {
      remember: (secret) => secrets.remember(secret),
      sites: this.#sites,
      ...(insecure === undefined ? {} : { insecure }),
    })
    this.#session = new RegistrySession(http, clock)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session.http[Symbol.asyncDispose]()
  }

  /**
   * One platform of a container image, brought into the store with its upstream digests.
   * @throws REGISTRY_…, IMAGE_PLATFORM_MISSING, BLOB_CORRUPT
   */
  async fetchImage(
    reference: string,
    platform: Platform,
    blobs: BlobStore,
    transfer: Transfer = {},
  ): Promise<FetchedImage> {
    const name = parseReference(reference)
    const root = await this.manifest(name, name.digest ?? name.tag ?? 'latest', transfer)
    await blobs.put(root.bytes, { digest: root.blob.digest })
    const source = {
      name: fullName(name),
      manifest: (blob: BlobDescriptor) => this.fetchManifest(name, blob, blobs, transfer),
      config: async (blob: BlobDescriptor) => {
        await this.fetchBlob(name, blob, blobs, transfer)
        return blobs.read(blob.digest)
      },
      layers: (layers: readonly BlobDescriptor[]) =>
        sideBySide(layers, (layer, signal) => this.fetchBlob(name, layer, blobs, { ...transfer, signal }), {
          limit: transfersAtOnce,
          signal: transfer.signal,
        }),
    }
    return { reference: source.name, ...(await fetchPlatform(source, root.blob, platform)) }
  }

  /**
   * A manifest or index by tag or digest, its digest proven.
   * @throws REGISTRY_LACKS, REGISTRY_DENIED, BLOB_CORRUPT, …
   */
  async manifest(
    name: Repository,
    tagOrDigest: string,
    { signal, direct = false }: Transfer = {},
  ): Promise<{ blob: BlobDescriptor; bytes: Buffer }> {
    const get = (place: Repository, most?: number) => this.#manifestOf(place, tagOrDigest, signal, most)
    return direct ? get(name) : this.#fromNearest(name, get, signal)
  }

  /** From the mirrors in their order, then from the registry itself, whose failure is the one that counts. */
  async #fromNearest<T>(
    name: Repository,
    get: (place: Repository, most?: number) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    for (const mirror of await this.#sites.mirrorsOf(name)) {
      if (this.#down.has(mirror.registry)) continue
      try {
        return await get(mirror, attemptsAtMirror)
      } catch (error) {
        signal?.throwIfAborted()
        if (!SealerError.is(error) || !(error.code.startsWith('REGISTRY_') || error.code === 'BLOB_CORRUPT'))
          throw error
        if (outOfOrder.has(error.code)) this.#down.add(mirror.registry)
      }
    }
    return get(name)
  }

  async #manifestOf(
    name: Repository,
    tagOrDigest: string,
    signal: AbortSignal | undefined,
    most?: number,
  ): Promise<{ blob: BlobDescriptor; bytes: Buffer }> {
    const what = `${name.repository}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`
    return this.#session.persistent(
      signal,
      async () => {
        const ask = pull(name, 'GET', `manifests/${tagOrDigest}`, signal, { accept: manifestTypes })
        const answer = await this.#session.expect([200], what, ask)
        const bytes = await readAtMost(answer.body, maxJsonBytes, name.registry).catch((error) => {
          throw translated(error, name.registry, signal)
        })
        const digest = digestOf(bytes)
        const promised = isDigest(tagOrDigest) ? tagOrDigest : (answer.headers['docker-content-digest'] ?? digest)
        if (promised !== digest) {
          throw imageErrors.BLOB_CORRUPT({
            digest: String(promised).slice(0, 100),
            from: name.registry,
            reason: `their digest is ${digest}`,
          })
        }
        return { blob: { mediaType: typeOf(bytes, answer, name.registry), digest, size: bytes.length }, bytes }
      },
      most,
    )
  }

  /** Digest that a tag points at; undefined when the registry has no such tag. */
  async digestOfTag(name: Repository, tag: string, { signal }: Transfer = {}): Promise<string | undefined> {
    return this.#session.persistent(signal, async () => {
      const answer = await this.#session.expect(
        [200, 404],
        'the image',
        push(name, 'HEAD', `manifests/${tag}`, signal, { accept: manifestTypes }),
      )
      await answer.body.dump()
      const digest = answer.headers['docker-content-digest']
      return answer.status === 200 && typeof digest === 'string' ? digest : undefined
    })
  }

  /** Brings a manifest that an index names into the store, and reads it. */
  async fetchManifest(
    name: Repository,
    blob: BlobDescriptor,
    blobs: BlobStore,
    transfer: Transfer = {},
  ): Promise<Buffer> {
    if (await blobs.keep(blob.digest)) return blobs.read(blob.digest)
    const { bytes } = await this.manifest(name, blob.digest, transfer)
    await blobs.put(bytes, { digest: blob.digest, size: blob.size })
    return bytes
  }

  /**
   * Brings a blob into the store; goes on where an earlier attempt has stopped.
   * @throws REGISTRY_LACKS, BLOB_CORRUPT, …
   */
  async fetchBlob(name: Repository, blob: BlobDescriptor, blobs: BlobStore, transfer: Transfer = {}): Promise<void> {
    await this.#fromNearest(
      name,
      (place, most) => this.#fetchBlobFrom(place, blob, blobs, transfer, most),
      transfer.signal,
    )
    transfer.onBytes?.(blob, blob.size)
  }

  async #fetchBlobFrom(
    name: Repository,
    blob: BlobDescriptor,
    blobs: BlobStore,
    { signal, onBytes }: Transfer,
    most?: number,
  ): Promise<void> {
    const what = `the blob ${blob.digest} of ${name.repository}`
    const bytesFrom = async (offset: number) => {
      const range = offset === 0 ? {} : { range: `bytes=${offset}-` }
      const answer = await this.#session.expect(
        [200, 206, 416],
        what,
        pull(name, 'GET', `blobs/${blob.digest}`, signal, range),
      )
      if (answer.status !== 416)
        return { stream: answer.body as Readable, offset: answer.status === 206 ? startOf(answer, offset) : 0 }
      await answer.body.dump()
      const again = await this.#session.expect([200], what, pull(name, 'GET', `blobs/${blob.digest}`, signal))
      return { stream: again.body as Readable, offset: 0 }
    }
    const receiving = {
      from: name.registry,
      ...(signal === undefined ? {} : { signal }),
      ...(onBytes === undefined ? {} : { onBytes: (here: number) => onBytes(blob, here) }),
    }
    await this.#session.persistent(
      signal,
      () =>
        blobs.receive(blob, bytesFrom, receiving).catch((error) => {
          throw translated(error, name.registry, signal)
        }),
      most,
    )
  }

  /** Whether the registry has a blob in this repository. */
  async hasBlob(name: Repository, digest: string, { signal }: Transfer = {}): Promise<boolean> {
    return this.#session.persistent(signal, async () => {
      const answer = await this.#session.expect(
        [200, 404],
        `the blob ${digest}`,
        push(name, 'HEAD', `blobs/${digest}`, signal),
      )
      await answer.body.dump()
      return answer.status === 200
    })
  }

  /**
   * Sends a blob, unless another repository of the registry has it and can lend it. Goes on where a broken connection has
   * stopped it.
   * @returns whether bytes were sent
   */
  async sendBlob(
    name: Repository,
    blob: StoredBlob,
    blobs: BlobStore,
    mountFrom: string | undefined,
    transfer: Transfer = {},
  ): Promise<boolean> {
    const { signal, onBytes } = transfer
    const what = `the blob ${blob.digest}`
    let session: URL | undefined
    return this.#session.persistent(signal, async () => {
      let offset = 0
      if (session === undefined) {
        const lend = mountFrom === undefined ? '' : `?mount=${blob.digest}&from=${encodeURIComponent(mountFrom)}`
        const ask = push(name, 'POST', `blobs/uploads/${lend}`, signal, {}, mountFrom)
        const answer = await this.#session.expect([201, 202], what, { ...ask, body: () => Buffer.alloc(0) })
        await answer.body.dump()
        if (answer.status === 201) return false
        session = nextAddress(answer, name.registry)
      } else {
        const answer = await this.#session.expect([204, 404], what, push(name, 'GET', session.href, signal))
        await answer.body.dump()
        if (answer.status === 404) {
          session = undefined
          throw registryErrors.REGISTRY_BUSY({
            registry: name.registry,
            status: 404,
            reason: 'it has forgotten the upload',
          })
        }
        session = nextAddress(answer, name.registry)
        offset = receivedOf(answer)
      }
      if (offset < blob.size) session = await this.#sendRest(name, blob, blobs, session, offset, transfer)
      const commit = new URL(session)
      commit.searchParams.set('digest', blob.digest)
      const done = await this.#session.expect([201, 204], what, {
        ...push(name, 'PUT', commit.href, signal),
        body: () => Buffer.alloc(0),
      })
      await done.body.dump()
      onBytes?.(blob, blob.size)
      return true
    })
  }

  /**
   * Sends a manifest or index under a tag or its digest; its parts must be there.
   * @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_INVALID when it was stored under another digest
   */
  async sendManifest(
    name: Repository,
    tagOrDigest: string,
    blob: BlobDescriptor,
    bytes: Buffer,
    { signal }: Transfer = {},
  ): Promise<void> {
    await this.#session.persistent(signal, async () => {
      const ask = push(name, 'PUT', `manifests/${tagOrDigest}`, signal, { 'content-type': blob.mediaType })
      const answer = await this.#session.expect([200, 201, 202], `the manifest ${blob.digest}`, {
        ...ask,
        body: () => bytes,
      })
      await answer.body.dump()
      const stored = answer.headers['docker-content-digest']
      if (stored !== undefined && stored !== blob.digest) {
        throw registryErrors.REGISTRY_INVALID({
          registry: name.registry,
          reason: 'it has stored a manifest under another digest',
        })
      }
    })
  }

  /**
   * What says of itself that it belongs to a manifest: signatures, SBOMs (distribution-spec, "Listing Referrers"). A
   * registry without the interface keeps the list under the tag `sha256-HEX`.
   * @throws REGISTRY_INVALID when it is no index
   */
  referrers(
    name: Repository,
    digest: string,
    transfer: Transfer & { readonly artifactType?: string } = {},
  ): Promise<readonly Referrer[]> {
    const list = (place: Repository) => listReferrers(this, this.#session, place, digest, transfer)
    return this.#fromNearest(name, list, transfer.signal)
  }

  /**
   * Sends a manifest that has a `subject`, under its digest, and puts it on the list where the registry does not do so. Its
   * config and layers must be there.
   */
  async pushReferrer(name: Repository, bytes: Buffer, transfer: Transfer = {}): Promise<BlobDescriptor> {
    return sendReferrer(this, this.#session, name, bytes, transfer)
  }

  /**
   * The tags of a repository, or where there is no such repository those whose name holds the text. An empty text: all.
   * @throws REGISTRY_LACKS, REGISTRY_DENIED, …
   */
  async search({ registry, repository }: Repository, signal?: AbortSignal): Promise<readonly string[]> {
    const all = async () => {
      const names = await listRepositories(this.#session, registry, signal)
      return names.filter((name) => name.slice(registry.length + 1).includes(repository))
    }
    if (repository === '') return all()
    try {
      return await listTags(this.#session, { registry, repository }, signal)
    } catch (error) {
      const unknown = SealerError.is(error) && error.code === 'REGISTRY_LACKS'
      if (!unknown) throw error
      return await all().catch(() => Promise.reject(error)) // a registry without a list of repositories
    }
  }

  /**
   * Proves a user and a password.
   * @throws LOGIN_FAILED
   */
  async proveLogin(registry: string, user: string, password: string, signal?: AbortSignal): Promise<void> {
    const ask: Ask = { method: 'GET', registry, path: '', scope: '', ...(signal === undefined ? {} : { signal }) }
    try {
      const answer = await this.#session.http.ask(ask, { kind: 'password', user, password })
      await this.#session.refuse(answer, ask, [200], 'the login')
      await answer.body.dump()
    } catch (error) {
      if (SealerError.is(error) && error.code === 'REGISTRY_DENIED')
        throw registryErrors.LOGIN_FAILED({ registry, user }, { cause: error })
      throw error
    }
  }

  async #sendRest(
    name: Repository,
    blob: StoredBlob,
    blobs: BlobStore,
    session: URL,
    offset: number,
    { signal, onBytes }: Transfer,
  ): Promise<URL> {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(blob.size - offset),
      ...(offset === 0 ? {} : { 'content-range': `${offset}-${blob.size - 1}` }),
    }
    const body = () =>
      Readable.from(reported(blobs.open(blob.digest, offset), (sent) => onBytes?.(blob, offset + sent)))
    const ask = push(name, 'PATCH', session.href, signal, headers)
    const answer = await this.#session.expect([200, 201, 202, 204], `the blob ${blob.digest}`, { ...ask, body })
    await answer.body.dump()
    return nextAddress(answer, name.registry)
  }
}

/** The type that the bytes say they are; a registry that says another one is not believed, it may mean to confuse. */
function typeOf(bytes: Buffer, { headers }: Answer, registry: string): string {
  const said =
    String(headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim() ?? ''
  const own = ownType(bytes)
  if (own === undefined) return said
  if ((isIndexType(said) || isManifestType(said)) && said !== own) {
    throw registryErrors.REGISTRY_INVALID({ registry, reason: `it calls a manifest ${said} that calls itself ${own}` })
  }
  return own
}

function ownType(bytes: Buffer): string | undefined {
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown }
    return typeof mediaType === 'string' ? mediaType.slice(0, 255) : undefined
  } catch {
    return undefined
  }
}

async function* reported(pieces: AsyncIterable<Buffer>, onBytes: (sent: number) => void): AsyncGenerator<Buffer> {
  let sent = 0
  for await (const piece of pieces) {
    yield piece
    sent += piece.length
    onBytes(sent)
  }
}

/** Offset of the first byte of a 206 (RFC 9110, 14.4). */
function startOf({ headers }: Answer, asked: number): number {
  const start = /^bytes (\d+)-/.exec(String(headers['content-range'] ?? ''))?.[1]
  return start === undefined ? asked : Number(start)
}

/** Bytes that an upload has so far: `Range: 0-1023` means 1024. An empty one says `0-0`, as does one of a single byte. */
function receivedOf({ headers }: Answer): number {
  const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(String(headers.range ?? ''))?.[1] ?? 0)
  return last === 0 ? 0 : last + 1
}

/** Where the upload goes on: the registry says so in each answer. */
function nextAddress({ headers, url }: Answer, registry: string): URL {
  const { location } = headers
  if (typeof location !== 'string' || !URL.canParse(location, url.href)) {
    throw registryErrors.REGISTRY_INVALID({ registry, reason: 'it does not say where an upload goes on' })
  }
  return new URL(location, url)
}
