import type { Questions, Terminal } from './context.ts'

/** Questions on a terminal, one at a time: hosts that are met side by side may each have one. What draws them is loaded with the first. */
export function terminalQuestions(terminal: Pick<Terminal, 'interactive'>, signal: AbortSignal): Questions {
  let before: Promise<unknown> = Promise.resolve()
  const inTurn = <Answer>(question: string, ask: (prompts: Prompts) => Promise<Answer>): Promise<Answer> => {
    const answer = before.then(async () => {
      signal.throwIfAborted()
      if (terminal.interactive) return await ask(await import('@clack/prompts'))
      const { errors } = await import('./errors.ts')
      throw errors.NOBODY_TO_ASK({ question })
    })
    before = answer.catch(() => {})
    return answer
  }
  return {
    password: (what) =>
      inTurn(what, async ({ password, isCancel }) => {
        const answer = await password({ message: what, signal, output: process.stderr })
        if (!isCancel(answer)) return answer
        const { errors } = await import('./errors.ts')
        throw errors.DECLINED({ what })
      }),
    confirm: (what) =>
      inTurn(what, async ({ confirm, isCancel }) => {
        const answer = await confirm({ message: what, initialValue: false, signal, output: process.stderr })
        return !isCancel(answer) && answer
      }),
  }
}

type Prompts = typeof import('@clack/prompts')
