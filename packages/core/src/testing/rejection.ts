/** What a promise is rejected with; fails when it is not. `E` is what the test expects, e.g. `rejection<SealerError>(…)`. */
export async function rejection<E extends Error = Error>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise
  } catch (error) {
    return error as E
  }
  throw new Error('The promise was expected to be rejected.')
}
