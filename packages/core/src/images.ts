import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { SealerError } from './errors.ts'
import { CacheNotes } from './image/cache-notes.ts'
import { loadImages } from './image/load.ts'
import type { Admit } from './image/pull.ts'
import { fullName, parseReference } from './image/reference.ts'
import type { RegistryClient } from './image/registry-client.ts'
import type { Repository } from './image/registry-session.ts'
import { saveImages } from './image/save.ts'
import type { LocalStore } from './image/store.ts'
import { type Gate, openStore } from './image/store.ts'
import { cacheOf } from './lifecycles/build-cache.ts'
import type { Logger } from './logger.ts'
import type { Images, TransferOptions } from './sealer.ts'
import type { Secrets } from './secrets.ts'
import { TrustGate, trustedKeysOf } from './trust/gate.ts'

export interface ImagesOptions {
  /** Folder of the store (`store/`) and the logins (`auth.json`). */
  readonly home: string
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
  /** As in `SealerOptions`. */
  readonly insecureUnsigned?: boolean
}

/** Where a home keeps its images. */
export const storeOf = (home: string, clock: Clock, gate?: Gate): LocalStore =>
  openStore(join(home, 'store'), clock, gate)

/** The store of these images for whoever reads blobs himself: no image gives anything away that may not be looked at. */
export const admittingStore = (images: Images, clock: Clock): LocalStore =>
  openStore(images.store.path, clock, (image) => images.admit(image))

/** The cluster images of a home. */
export function createImages(options: ImagesOptions): Images {
  const { home, secrets, logger, clock, insecureUnsigned = false } = options
  const fileNotes = new CacheNotes(join(cacheOf(home), 'files'))
  const warn = (text: string) => logger.warn(text)
  const keys = trustedKeysOf(home)
  const gate = new TrustGate({ keys, logger, clock, insecureUnsigned })
  const store: LocalStore = storeOf(home, clock, (image) => gate.admit(image, store))
  const admit: Admit = (image, offered) => gate.admit(image, store, offered)

  const withRegistry = async <T>(
    insecure: boolean | undefined,
    work: (client: RegistryClient) => Promise<T>,
  ): Promise<T> => {
    const Client = await registryClient()
    await using client = new Client({ home, clock, secrets, ...(insecure === undefined ? {} : { insecure }) })
    return await work(client)
  }

  const pull = (reference: string, transfer: TransferOptions = {}) =>
    withRegistry(transfer.insecure, async (client) => {
      const { pullImage } = await import('./image/pull.ts')
      await pullImage(client, store, reference, { ...transfer, warn, admit })
      return store.resolve(fullName(parseReference(reference)))
    })

  const atHand = (reference: string, transfer: TransferOptions) =>
    store.resolve(reference).catch((error: unknown) => {
      if (!SealerError.is(error) || error.code !== 'IMAGE_NOT_FOUND') throw error
      return pull(reference, transfer)
    })

  return {
    store,
    list: () => store.list(),
    admit: async (image) => gate.admit(typeof image === 'string' ? await store.named(image) : image, store),
    standing: async (reference) => gate.standing(await store.named(reference), store),
    sign: async (reference, how) => (await signing()).signImage(store, reference, how, secrets),
    verify: async (reference, by = {}) => (await signing()).verifyImage(store, reference, by, { secrets, keys, clock }),
    sbom: async (reference, { attach = false, signal } = {}) => {
      const { attachSbom, sbomOf } = await import('./sbom/sbom.ts')
      await gate.admit(await store.named(reference), store)
      const sbom = await sbomOf(store, reference, cacheOf(home), signal)
      return attach ? { ...sbom, attached: await attachSbom(store, sbom) } : sbom
    },
    inspect: async (reference) => {
      await gate.admit(await store.named(reference), store)
      const image = await store.resolve(reference)
      const platforms = []
      for (const platform of image.platforms) platforms.push(await store.platform(image, platform))
      return { image, platforms }
    },
    history: async (reference) => {
      const { historyOf } = await import('./image/history.ts')
      const image = await store.resolve(reference)
      const entries = []
      for (const platform of image.platforms) entries.push(...historyOf(await store.platform(image, platform)))
      return entries
    },
    files: async (reference, platform, signal) => {
      const { rootfsFiles } = await import('./image/rootfs-files.ts')
      const { layers } = await store.platform(await store.resolve(reference), platform)
      return rootfsFiles(layers, store.blobs, fileNotes, signal)
    },
    diff: async (before, after, signal) => {
      const { diffImages } = await import('./image/diff.ts')
      return diffImages(store, fileNotes, [before, after], signal)
    },
    merge: async (references, tag, { platforms, signal, ...transfer } = {}) => {
      const { mergeImages } = await import('./merge/merge-images.ts')
      for (const reference of references) await atHand(reference, { ...transfer, ...(signal && { signal }) })
      return mergeImages(store, references, { tag, platforms, notes: fileNotes, signal })
    },
    prune: async (prune) => {
      const { prune: clear } = await import('./lifecycles/prune.ts')
      return clear(home, store, clock, prune)
    },
    tag: async (source, target) => store.tag(target, await store.find(source)),
    remove: (reference) => store.remove(reference),
    save: (references, target, transfer) => saveImages(store, [references].flat(), target, transfer),
    load: (source, transfer) => loadImages(store, source, { ...transfer, warn, admit }),
    pull,
    push: (reference, target, transfer = {}) =>
      withRegistry(transfer.insecure, async (client) => {
        const { pushImage } = await import('./image/push.ts')
        const report = await pushImage(
          client,
          store,
          reference,
          target ?? (await store.resolve(reference)).reference,
          transfer,
        )
        logger.debug(`pushed ${report.digest}: ${report.sent} bytes sent, ${report.present} were there`)
        return report
      }),
    login: (registry, user, password, { insecure } = {}) =>
      withRegistry(insecure, async (client) => {
        const name = registryName(registry)
        const secret = await secrets.read(password)
        await client.proveLogin(name, user, secret)
        await client.credentials.save(name, user, secret)
      }),
    search: (text, { insecure, signal } = {}) =>
      withRegistry(insecure, (client) => client.search(searched(text), signal)),
    logout: (registry) => withRegistry(undefined, (client) => client.credentials.forget(registryName(registry))),
  }
}

/** With it comes what reads keys. */
const signing = () => import('./trust/signing.ts')

/** With it comes the HTTP library. Not beside `await using`: there TypeScript 6.0 leaves the ending `.ts` in what it emits. */
const registryClient = async () => (await import('./image/registry-client.ts')).RegistryClient

/** `registry.example` is a registry, `nginx` an image of Docker Hub. */
function searched(text: string): Repository {
  const [host = '', ...path] = text
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .split('/')
  if (path.length === 0 && (/[.:]/.test(host) || host === 'localhost'))
    return { registry: registryName(host), repository: '' }
  return parseReference([host, ...path].join('/'))
}

/** Users write `https://quay.io/` as well. */
function registryName(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  if (host === 'docker.io' || host === 'index.docker.io' || host === 'registry-1.docker.io') return 'docker.io'
  parseReference(`${host}/name`) // refuses what cannot be a registry
  return host
}
