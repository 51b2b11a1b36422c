import { setTimeout } from 'node:timers/promises'

/**
 * Asks again and again until the answer is defined, and gives it. What the question throws counts as no answer.
 * @param seconds how long; the machine may be busy, so a limit that is no promise of the product is generous
 */
export async function eventually<Answer>(
  what: string,
  seconds: number,
  question: () => Promise<Answer | undefined>,
): Promise<Answer> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    let trouble: unknown
    const answer = await question().catch((error: unknown) => {
      trouble = error
      return undefined
    })
    if (answer !== undefined) return answer
    if (Date.now() >= deadline) throw new Error(`${what}: not within ${seconds} s`, { cause: trouble })
    await setTimeout(200)
  }
}
