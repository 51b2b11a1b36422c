import type { CheckResult } from '@sealer/core'
import { type CliContext, print } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ClusterFlags } from '../flags/cluster.ts'
import { printable } from '../printable.ts'
import { imageAtHand } from './image-at-hand.ts'
import { wishOf } from './wish.ts'

/** Runs every check of every host and tells all problems at once. */
export async function check(context: CliContext, image: string | undefined, flags: ClusterFlags): Promise<void> {
  const wish = await wishOf(context, image, flags)
  const { plugin: plugins, acceptNewHostKeys } = flags
  await using sealer = await context.openSealer({ wish, plugins, acceptNewHostKeys })
  const results = await sealer.check(await imageAtHand(context, sealer, wish), { signal: context.signal })
  if (results.some((result) => !result.ok)) context.exitCode = exitCodes.failed
  print(context, results, resultsText)
}

function resultsText(results: readonly CheckResult[]): string {
  const problems = results.filter((result) => !result.ok)
  const line = ({ id, host, ok, message, remedy }: CheckResult) =>
    [
      `${ok ? '✔' : '✗'} ${host === undefined ? '' : `${printable(host)}: `}${printable(message)}  ${id}`,
      ...(ok || remedy === undefined ? [] : [`    Try: ${printable(remedy)}`]),
    ].join('\n')
  const summary =
    problems.length === 0
      ? `${results.length} checks, all well.`
      : `${problems.length} of ${results.length} checks failed.`
  return [...results.map(line), summary].join('\n')
}
