import type { Questions, Terminal } from './context.ts'

/** Questions on a terminal. What draws them is loaded with the first one. */
export function terminalQuestions(terminal: Pick<Terminal, 'interactive'>, signal: AbortSignal): Questions {
  const prompts = async (question: string) => {
    if (terminal.interactive) return await import('@clack/prompts')
    const { errors } = await import('./errors.ts')
    throw errors.NOBODY_TO_ASK({ question })
  }
  return {
    password: async (what) => {
      const { password, isCancel } = await prompts(what)
      const answer = await password({ message: what, signal, output: process.stderr })
      if (!isCancel(answer)) return answer
      const { errors } = await import('./errors.ts')
      throw errors.DECLINED({ what })
    },
    confirm: async (what) => {
      const { confirm, isCancel } = await prompts(what)
      const answer = await confirm({ message: what, initialValue: false, signal, output: process.stderr })
      return !isCancel(answer) && answer
    },
  }
}
