import type { PruneReport, Unneeded } from '@sealer/core'
import type { PruneFlags } from '../commands/prune.ts'
import { type CliContext, print, warn } from '../context.ts'
import { agoText, bytesText } from '../measures.ts'
import { table } from '../table.ts'

const titles: Readonly<Record<Unneeded['kind'], string>> = {
  layer: 'layers of builds',
  tree: 'unpacked files of builds',
  download: 'downloads of builds',
  blob: 'blobs without a name',
  transfer: 'broken transfers',
}

/** Clears away, and tells what. */
export async function prune(context: CliContext, { dryRun, all, olderThan, keepStorage }: PruneFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const { signal } = context
  const age = all ? 0 : olderThan
  const options = {
    dryRun,
    signal,
    ...(age !== undefined && { olderThan: age }),
    ...(keepStorage !== undefined && { keep: keepStorage }),
  }
  const report = await sealer.images.prune(options)
  if (report.builds > 0) warn(context, 'A build is under way; results of builds were left alone.')
  print(context, report, reportText)
}

function reportText({ removed, freed, left, dryRun }: PruneReport): string {
  const end = `${bytesText(freed)} ${dryRun ? 'would be' : 'were'} freed; ${bytesText(left)} of builds stay${dryRun ? '' : ' for the next ones'}.`
  if (removed.length === 0) return `Nothing to remove; ${bytesText(left)} of builds stay for the next ones.`
  const now = Date.now()
  const lines = dryRun
    ? removed.map(({ kind, name, bytes, used }) => [
        titles[kind],
        name.replace(/^sha256:/, '').slice(0, 20),
        bytesText(bytes),
        agoText(used, now),
      ])
    : Object.entries(titles).flatMap(([kind, title]) => {
        const of = removed.filter((one) => one.kind === kind)
        const bytes = of.reduce((sum, one) => sum + one.bytes, 0)
        return of.length === 0 ? [] : [[title, String(of.length), bytesText(bytes)]]
      })
  return `${table(dryRun ? ['WHAT', 'NAME', 'SIZE', 'LAST USED'] : ['WHAT', 'COUNT', 'SIZE'], lines)}\n${end}`
}
