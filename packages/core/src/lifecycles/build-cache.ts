import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { heldLocks, holdLock, type Lock } from '../image/lock.ts'

/** Where a home keeps what builds have found out. */
export const cacheOf = (home: string): string => join(home, 'cache')

/**
 * Says that a build is under way, as long as it is held: nobody takes away what it may use. Waits for a clean-up that is under way.
 */
export async function announceBuild(cache: string, signal?: AbortSignal): Promise<Lock> {
  await using _gate = await cleanUp(cache, signal)
  return await holdLock(join(cache, 'builds', `${randomUUID()}.lock`))
}

/** Held by who takes things out of the cache. No build begins meanwhile. */
export const cleanUp = (cache: string, signal?: AbortSignal): Promise<Lock> =>
  holdLock(join(cache, 'prune.lock'), signal === undefined ? {} : { signal })

/** Builds that are under way, of all processes. Those that were killed are none. */
export const buildsUnderWay = async (cache: string): Promise<number> => (await heldLocks(join(cache, 'builds'))).length
