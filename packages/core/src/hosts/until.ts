import type { Clock } from '../clock.ts'

export interface UntilOptions {
  /** Milliseconds between two looks. */
  readonly every: number
  /** Milliseconds after which no further look is taken. */
  readonly for: number
  readonly clock: Clock
  readonly signal?: AbortSignal
}

/** Looks again and again until there is an answer, and gives it; undefined when the time is over. The first look is at once. */
export async function until<T>(
  ready: () => Promise<T | undefined | false>,
  { every, for: limit, clock, signal }: UntilOptions,
): Promise<T | undefined> {
  const end = clock.now() + limit
  for (;;) {
    signal?.throwIfAborted()
    const answer = await ready()
    if (answer !== undefined && answer !== false) return answer
    if (clock.now() + every > end) return undefined
    await clock.sleep(every, signal)
  }
}
