import type { Platform } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { FetchedImage } from '../image/fetched-image.ts'
import type { RegistryClient, RegistryOptions } from '../image/registry-client.ts'
import type { ImagesWithLogin } from '../manifests/list-with-logins.ts'
import type { Secrets } from '../secrets.ts'

/** What registries are reached with. */
export interface FetcherOptions extends Pick<RegistryOptions, 'home' | 'clock'> {
  readonly secrets: Secrets
  /** Logins for some images alone; they are used for no other, and kept nowhere. */
  readonly withLogins: readonly ImagesWithLogin[]
}

/** Fetches container images, each with the login that it has. Clients are made when they are needed: with them comes the HTTP library. */
export class ImageFetcher implements AsyncDisposable {
  readonly #options: FetcherOptions
  readonly #blobs: BlobStore
  readonly #clients = new Map<ImagesWithLogin | undefined, Promise<RegistryClient>>()

  constructor(options: FetcherOptions, blobs: BlobStore) {
    this.#options = options
    this.#blobs = blobs
  }

  async fetch(reference: string, platform: Platform, signal: AbortSignal): Promise<FetchedImage> {
    const name = reference.replace(/(:[^@/]*)@.*$/, '$1') // what a lock file pins is listed without the pin
    const login = this.#options.withLogins.find(({ images }) => images.includes(reference) || images.includes(name))
    const client = this.#clients.get(login) ?? this.#open(login)
    this.#clients.set(login, client)
    return (await client).fetchImage(reference, platform, this.#blobs, { signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) await (await client.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  async #open(login: ImagesWithLogin | undefined): Promise<RegistryClient> {
    const { home, clock, secrets } = this.#options
    const { RegistryClient } = await import('../image/registry-client.ts')
    if (login === undefined) return new RegistryClient({ home, clock, secrets })
    const { registry, user } = login
    const password = await secrets.read(login.password)
    return new RegistryClient({
      home,
      clock,
      secrets,
      logins: new Map([[registry, { kind: 'password', user, password }]]),
    })
  }
}
