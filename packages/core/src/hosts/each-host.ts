import pMap from 'p-map'
import { errors, SealerError } from '../errors.ts'
import type { HostView } from './host.ts'

export interface Fanout {
  /** How many hosts are worked on at once. */
  readonly limit?: number
  /** Once aborted, no further host is begun; hosts under way are waited for. */
  readonly signal?: AbortSignal
}

/**
 * Works on many hosts at once, waits for all, and reports every failure by host. Results keep the order of hosts.
 * @throws HOSTS_FAILED, whose problems are those of the hosts
 */
export async function eachHost<H extends Pick<HostView, 'name'>, T>(
  hosts: readonly H[],
  work: (host: H) => Promise<T>,
  { limit = 16, signal }: Fanout = {},
): Promise<T[]> {
  const named = async (host: H) => {
    signal?.throwIfAborted()
    try {
      return await work(host)
    } catch (cause) {
      // An error of ours names its host already.
      throw SealerError.is(cause)
        ? cause
        : new Error(`${host.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  try {
    return await pMap(hosts, named, { concurrency: limit, stopOnError: false })
  } catch (error) {
    signal?.throwIfAborted()
    const problems = error instanceof AggregateError ? (error.errors as Error[]) : [error as Error]
    throw errors.HOSTS_FAILED({ failed: problems.length, of: hosts.length }, { problems })
  }
}
