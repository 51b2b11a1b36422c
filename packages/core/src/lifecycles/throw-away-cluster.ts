import { randomBytes } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SealerError } from '../errors.ts'
import { type PlatformParts, sealImage } from '../image/cluster-image.ts'
import { holdLock, type Lock } from '../image/lock.ts'
import { parseReference } from '../image/reference.ts'
import { openStore } from '../image/store.ts'
import { resolveWanted, wantedOfRecord } from '../resolve-wanted.ts'
import type { Wish } from '../wish.ts'
import type { BuildServices } from './build-workshop.ts'
import { executePlan, oneWriter } from './execute-plan.ts'
import { clusterRecords, recordOf } from './record.ts'
import { planRemove } from './remove.ts'
import { type Foundation, openRun, type Run } from './run-context.ts'

/** Images of throw-away clusters stand under this name in the store, each with the name of its cluster as tag. */
const drafts = { registry: 'localhost', repository: 'sealer-observe' }
const draftOf = (cluster: string): string => `${drafts.registry}/${drafts.repository}:${cluster}`

/** A cluster for one look at an image, and what it is made of. */
export interface ThrowAway {
  /** Part of its name. */
  readonly kind: 'open' | 'closed'
  readonly parts: readonly PlatformParts[]
  /** What is wished beside name and image. */
  readonly wish: Wish
}

/**
 * The throw-away clusters of one build. A cluster goes when its work is done; its image keeps its name until the end, so that nobody clears
 * away what the build has not named yet. Both are written down before anything is made, under a lock of this process: what a killed build
 * leaves is found by the next.
 */
export class ThrowAways implements AsyncDisposable {
  readonly #services: BuildServices
  readonly #id: string
  readonly #lock: Lock

  private constructor(services: BuildServices, id: string, lock: Lock) {
    this.#services = services
    this.#id = id
    this.#lock = lock
  }

  /** Removes what builds have left that were killed. */
  static async open(services: BuildServices): Promise<ThrowAways> {
    const id = randomBytes(3).toString('hex')
    const throwAways = new ThrowAways(services, id, await hold(services.home, id))
    for (const left of await leftovers(services)) await removeUnlessHeld(left, services)
    return throwAways
  }

  nameOf(kind: ThrowAway['kind']): string {
    return `observe-${this.#id}${kind === 'closed' ? '-closed' : ''}`
  }

  /** Gives work a run on a cluster that nobody else knows, and takes the cluster away afterwards, whatever happens. */
  async with<T>({ kind, parts, wish }: ThrowAway, signal: AbortSignal, work: (run: Run) => Promise<T>): Promise<T> {
    const { images, clock, home } = this.#services
    const cluster = this.nameOf(kind)
    await using _writer = await oneWriter(home, cluster)
    try {
      await sealImage(openStore(images.store.path, clock), { tag: draftOf(cluster), platforms: parts, built: true })
      const wanted = await resolveWanted({ ...wish, cluster, image: draftOf(cluster) }, images, { signal })
      await using run = await openRun(wanted, foundationOf(this.#services), signal)
      await clusterRecords(home).write(recordOf(wanted, [], clock.now()))
      return await work(run)
    } finally {
      await removeCluster(cluster, this.#services)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of ['open', 'closed'] as const) await removeDraft(this.nameOf(kind), this.#services)
    await this.#lock[Symbol.asyncDispose]()
    await rmdir(lockFolder(this.#services.home)).catch(() => {}) // not empty: other builds
  }
}

const lockFolder = (home: string): string => join(home, 'observe')
const hold = (home: string, id: string): Promise<Lock> =>
  holdLock(join(lockFolder(home), `${id}.lock`), { patience: 0 })

/** Names of throw-away clusters that are recorded, or whose image is in the store. */
async function leftovers({ home, images }: BuildServices): Promise<readonly string[]> {
  const recorded = (await clusterRecords(home).list()).map(({ image }) => draftIn(image))
  const named = (await images.list()).map(({ reference }) => draftIn(reference))
  return [...new Set([...recorded, ...named])].filter((name) => name !== undefined)
}

async function removeUnlessHeld(cluster: string, services: BuildServices): Promise<void> {
  const id = /^observe-([0-9a-f]{6})(-closed)?$/.exec(cluster)?.[1]
  if (id === undefined) return
  try {
    await using _lock = await hold(services.home, id)
    services.logger.warn(`A build that was killed has left the cluster ${cluster}; it is removed.`)
    await removeCluster(cluster, services)
    await removeDraft(cluster, services)
  } catch (error) {
    if (!SealerError.is(error) || error.code !== 'STORE_BUSY') throw error // its build lives
  }
}

/** Never throws: what it could not remove is told, and removed by the next build. */
async function removeCluster(cluster: string, services: BuildServices): Promise<void> {
  const { home, images, logger } = services
  const records = clusterRecords(home)
  try {
    const record = await records.read(cluster)
    if (record !== undefined) {
      const never = new AbortController().signal
      await using run = await openRun(wantedOfRecord(record, images), foundationOf(services), never)
      await executePlan(run, await planRemove(run, { force: true }), {})
    }
    await records.forget(cluster)
  } catch (error) {
    logger.warn(
      `${cluster} could not be removed: ${(error as Error).message} Remove it with: sealer delete ${cluster} --force`,
    )
  }
}

async function removeDraft(cluster: string, { images }: BuildServices): Promise<void> {
  await images.remove(draftOf(cluster)).catch((error: unknown) => {
    if (!SealerError.is(error) || error.code !== 'IMAGE_NOT_FOUND') throw error
  })
}

/** Its hosts are as old as itself: their keys cannot be known. */
const foundationOf = ({ home, hooks, images, logger, clock, secrets }: BuildServices): Foundation => ({
  home,
  hooks,
  store: images.store,
  logger,
  clock,
  secrets,
  hostKeys: { kind: 'accept-new' },
  knownHosts: [],
})

/** The cluster whose image this name is. */
function draftIn(reference: string): string | undefined {
  const { registry, repository, tag } = parseReference(reference)
  return registry === drafts.registry && repository === drafts.repository ? tag : undefined
}
