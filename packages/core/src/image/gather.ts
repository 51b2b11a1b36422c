import { sideBySide } from './side-by-side.ts'

/** As {@link sideBySide}, for work that has results; they come in the order of the items. */
export async function gather<T, Result>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<Result>,
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<Result[]> {
  const results: Result[] = []
  await sideBySide(
    [...items.entries()],
    async ([index, item], signal) => {
      results[index] = await work(item, signal)
    },
    options,
  )
  return results
}

/** Does two things at once; when one fails the other is stopped. */
export async function together<A, B>(
  first: (signal: AbortSignal) => Promise<A>,
  second: (signal: AbortSignal) => Promise<B>,
  signal: AbortSignal,
): Promise<[A, B]> {
  const work: ((signal: AbortSignal) => Promise<A | B>)[] = [first, second]
  const [a, b] = await gather(work, (one, stop) => one(stop), { limit: 2, signal })
  return [a as A, b as B]
}
