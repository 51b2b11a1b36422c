import { join } from 'node:path'
import { errors, SealerError } from '../errors.ts'
import { holdLock } from '../image/lock.ts'
import type { Milestone } from '../make-plan.ts'
import type { PlannedWork } from '../plan.ts'
import { runPlan } from '../run-plan.ts'
import type { Watch } from '../sealer.ts'
import { clusterFolder, type Run } from './run-context.ts'

/** Runs the steps of a plan on the hosts of a run. Gives the ids of the steps in the order they finished. @throws STEP_FAILED, RUN_ABORTED */
export async function executePlan(
  run: Run,
  work: PlannedWork,
  { onEvent }: Pick<Watch, 'onEvent'>,
  milestones: readonly Milestone[] = [],
): Promise<readonly string[]> {
  const { clock, secrets } = run.foundation
  return await runPlan(work, {
    run: run.id,
    hosts: run.hosts,
    journal: run.journal,
    clock,
    secrets,
    signal: run.signal,
    milestones,
    ...(onEvent === undefined ? {} : { onEvent }),
  })
}

/** One cluster, one writer on this machine. @throws CLUSTER_BUSY */
export async function oneWriter(home: string, cluster: string): Promise<AsyncDisposable> {
  try {
    return await holdLock(join(clusterFolder(home, cluster), 'lock'), { patience: 0 })
  } catch (error) {
    if (!SealerError.is(error) || error.code !== 'STORE_BUSY') throw error
    throw errors.CLUSTER_BUSY({ cluster, owner: 'another sealer on this machine', since: 'a while' }, { cause: error })
  }
}
