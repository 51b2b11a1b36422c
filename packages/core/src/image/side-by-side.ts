import { setMaxListeners } from 'node:events'

/**
 * Works on several items at once. The first failure stops the others, and is thrown when all of them have ended: nothing is
 * left running.
 */
export async function sideBySide<T>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<void>,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const stopping = new AbortController()
  const together = signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal])
  setMaxListeners(0, together) // each item listens, some more than once
  const waiting = items.values()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (const item of waiting) {
      if (together.aborted) return
      await work(item, together)
    }
  }
  const workers = Array.from({ length: Math.min(limit, items.length) }, () =>
    worker().catch((error: unknown) => {
      failures.push(error)
      stopping.abort(error)
    }),
  )
  await Promise.all(workers)
  signal?.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
