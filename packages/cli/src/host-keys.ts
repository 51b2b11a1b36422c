import type { HostKeyPolicy } from '@sealer/core'
import type { CliContext } from './context.ts'

/** What is done with hosts whose key is not known: asked on a terminal, refused elsewhere, unless it was said beforehand. */
export function hostKeyPolicy(
  { terminal, questions }: Pick<CliContext, 'terminal' | 'questions'>,
  { acceptNew, infra }: { readonly acceptNew: boolean; readonly infra: string | undefined },
): HostKeyPolicy {
  // Hosts on this machine are of our own making, reached without any network in between: their first key is theirs.
  if (acceptNew || infra === 'local') return { kind: 'accept-new' }
  if (!terminal.interactive) return { kind: 'strict' }
  return {
    kind: 'ask',
    ask: (host, fingerprint) =>
      questions.confirm(`The key of ${host} is not known: ${fingerprint}. Trust it from now on?`),
  }
}
