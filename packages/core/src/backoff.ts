import type { Clock } from './clock.ts'

export interface BackoffOptions {
  /** How often at most; without it and without a deadline 5 times. */
  readonly attempts?: number
  /** Milliseconds after which no further attempt begins. */
  readonly deadlineMs?: number
  /** Upper bound of the first pause; each further bound is twice the one before. */
  readonly baseMs?: number
  /** Upper bound of any pause. */
  readonly maxMs?: number
  readonly clock: Clock
  /** A number in [0, 1), as `Math.random`. */
  readonly random?: () => number
  readonly signal?: AbortSignal
  /** Milliseconds that whoever failed asks to be left alone for; jitter comes on top. */
  readonly atLeast?: (error: unknown) => number | undefined
  /** Whether this failure can heal. What cannot is thrown at once. */
  readonly retry: (error: unknown) => boolean
}

/**
 * Repeats work that fails, with pauses of full jitter: anything from nothing up to a bound that doubles. Many callers that failed together
 * do not come back together. Throws the last failure, or the signal's reason.
 */
export async function backoff<T>(
  work: () => Promise<T>,
  { attempts, deadlineMs, baseMs = 250, maxMs = 5_000, clock, random = Math.random, ...options }: BackoffOptions,
): Promise<T> {
  const { signal, retry, atLeast } = options
  const most = attempts ?? (deadlineMs === undefined ? 5 : Number.POSITIVE_INFINITY)
  const end = clock.now() + (deadlineMs ?? Number.POSITIVE_INFINITY)
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      const pause = (atLeast?.(error) ?? 0) + random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1))
      if (attempt >= most || !retry(error) || clock.now() + pause >= end) throw error
      await clock.sleep(pause, signal)
    }
  }
}
