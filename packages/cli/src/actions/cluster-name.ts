import type { CliContext } from '../context.ts'
import { errors } from '../errors.ts'

/** The cluster that is meant where none is named: the only one on record. @throws CLUSTER_NOT_CHOSEN */
export async function clusterName(context: CliContext, named: string | undefined): Promise<string> {
  if (named !== undefined) return named
  await using sealer = await context.openSealer({})
  const known = (await sealer.clusters()).map((cluster) => cluster.name)
  const [only] = known
  if (only === undefined || known.length > 1) throw errors.CLUSTER_NOT_CHOSEN({ known: known.join(', ') })
  return only
}
