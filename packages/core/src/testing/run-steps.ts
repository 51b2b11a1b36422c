import { systemClock } from '../clock.ts'
import type { Host } from '../hosts/host.ts'
import { makePlan } from '../make-plan.ts'
import { runPlan } from '../run-plan.ts'
import { createSecrets, type Secrets } from '../secrets.ts'
import type { Step } from '../step.ts'
import { poolOf } from './pool-of.ts'

/** What running steps has come to. */
export interface StepsRun {
  /** Ids of steps that ran, in the order they finished. */
  readonly ran: readonly string[]
  /** Ids of steps that had a reason not to. */
  readonly skipped: readonly string[]
  /** What steps have handed on, or remembered as secret. */
  readonly secrets: readonly string[]
}

/** Plans and runs steps with the real engine, without a journal. @throws STEP_FAILED, HOSTS_FAILED, PLAN_INVALID */
export async function runSteps(
  steps: readonly Step[],
  hosts: readonly Host[],
  { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
): Promise<StepsRun> {
  const remembered: string[] = []
  const inner = createSecrets()
  const secrets: Secrets = {
    ...inner,
    remember: (secret) => {
      remembered.push(secret)
      inner.remember(secret)
    },
  }
  const work = await makePlan(steps, { cluster: 'test', operation: 'install', signal })
  const ran = await runPlan(work, {
    run: 'test',
    hosts: poolOf(hosts),
    journal: { append: async () => {}, entries: async () => [] },
    clock: systemClock,
    secrets,
    signal,
  })
  return { ran, skipped: work.plan.skipped.map((step) => step.id), secrets: remembered }
}
