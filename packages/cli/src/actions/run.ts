import type { InstallReport, Sealer, Wish } from '@sealer/core'
import type { RunFlags } from '../commands/run.ts'
import { type CliContext, print } from '../context.ts'
import { durationText } from '../measures.ts'
import { planText } from '../plan-text.ts'
import { printable } from '../printable.ts'
import { showProgress } from '../progress/progress.ts'
import { imageAtHand } from './image-at-hand.ts'
import { wishOf } from './wish.ts'

/** Plans and, unless it is a dry run, makes the cluster. */
export async function run(context: CliContext, image: string | undefined, flags: RunFlags): Promise<void> {
  const wish = await wishOf(context, image, flags)
  const { plugin: plugins, acceptNewHostKeys } = flags
  await using sealer = await context.openSealer({ wish, plugins, acceptNewHostKeys })
  const { signal } = context
  const wanted = await imageAtHand(context, sealer, wish)
  if (flags.dryRun) {
    print(context, await sealer.plan(wanted, { signal }), planText)
    return
  }
  const report = await applied(context, sealer, wanted)
  if (context.format === 'json') context.terminal.stdout(`${JSON.stringify({ type: 'report', ...report })}\n`)
  else print(context, report, reportText)
}

async function applied(context: CliContext, sealer: Sealer, wish: Wish): Promise<InstallReport> {
  using progress = showProgress(context)
  return await sealer.apply(wish, { signal: context.signal, onEvent: progress.onEvent })
}

function reportText({ cluster, status, steps, milliseconds }: InstallReport): string {
  const nodes = `${status.nodes.length} ${status.nodes.length === 1 ? 'node' : 'nodes'}`
  const version = status.version === undefined ? '' : `, ${printable(status.version)}`
  if (steps.length === 0) return `Nothing to do: ${cluster} is as wanted (${nodes}${version}).`
  return [
    `Cluster ${cluster} is ${status.state}: ${nodes}${version}, ${durationText(milliseconds)}.`,
    ...status.nodes
      .filter((node) => !node.ready)
      .map((node) => `  ${printable(node.name)} is not ready: ${printable(node.reason ?? 'no reason given')}`),
    `See it with: sealer get nodes ${cluster}`,
  ].join('\n')
}
