import type { Clock } from '../clock.ts'

/** A clock that stands until somebody sleeps: then it is later at once. */
export interface FakeClock extends Clock {
  /** Every pause that was taken, in milliseconds. */
  readonly slept: readonly number[]
  advance(milliseconds: number): void
}

/** @param start milliseconds since 1970 */
export function fakeClock(start = 0): FakeClock {
  let now = start
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    advance: (milliseconds) => {
      now += milliseconds
    },
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      slept.push(milliseconds)
      now += milliseconds
      await new Promise(setImmediate) // others get their turn, as they would
      signal?.throwIfAborted()
    },
  }
}
