import type { CheckResult } from '@sealer/core'
import { type CliContext, print } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ClusterFlags } from '../flags/cluster.ts'
import { printable } from '../printable.ts'
import { painter } from '../progress/event-lines.ts'
import { wishOf } from './wish.ts'

/** Runs every check of every host and tells all problems at once. */
export async function check(context: CliContext, image: string | undefined, flags: ClusterFlags): Promise<void> {
  const wish = await wishOf(context, image, flags)
  const { plugin: plugins, acceptNewHostKeys } = flags
  await using sealer = await context.openSealer({ wish, plugins, acceptNewHostKeys })
  const results = await sealer.check(wish, { signal: context.signal })
  if (results.some((result) => !result.ok)) context.exitCode = exitCodes.failed
  print(context, results, (all) => resultsText(all, context.colour))
}

function resultsText(results: readonly CheckResult[], colour: boolean): string {
  const paint = painter(colour)
  const problems = results.filter((result) => !result.ok)
  const line = ({ id, host, ok, message, remedy }: CheckResult) =>
    [
      `${ok ? paint.green('✔') : paint.red('✗')} ${host === undefined ? '' : `${printable(host)}: `}${printable(message)}  ${paint.dim(id)}`,
      ...(ok || remedy === undefined ? [] : [`    ${paint.cyan('Try:')} ${printable(remedy)}`]),
    ].join('\n')
  const summary =
    problems.length === 0
      ? `${results.length} checks, all well.`
      : `${problems.length} of ${results.length} checks failed.`
  return [...results.map(line), summary].join('\n')
}
