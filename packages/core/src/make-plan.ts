import { createHash } from 'node:crypto'
import pMap from 'p-map'
import { errors } from './errors.ts'
import { HostAbsent } from './hosts/future-host.ts'
import type { Plan, PlannedStep, PlannedWork } from './plan.ts'
import type { Step } from './step.ts'

/** What planning knows beside the steps. */
export interface PlanFrame {
  readonly cluster: string
  readonly operation: Plan['operation']
  readonly signal?: AbortSignal
}

/** Moments between steps that hooks hear of. They change nothing, so no plan shows them. */
export interface Milestone {
  readonly id: string
  /** Ids of steps; when none of them runs, the milestone does not happen. */
  readonly after: readonly string[]
  happen(): Promise<void>
}

const asksAtOnce = 32

/**
 * Orders steps and asks each for a reason to skip. Only asks. What depends on a skipped step depends on what that step depended on.
 * @throws PLAN_INVALID for two steps with one id, or a circle
 */
export async function makePlan(steps: readonly Step[], frame: PlanFrame): Promise<PlannedWork> {
  assertUnique(steps)
  const reasons = await pMap(steps, (step) => reasonToSkip(step, frame), { concurrency: asksAtOnce })
  const skipped = steps.flatMap((step, index) => {
    const reason = reasons[index]
    return reason === undefined ? [] : [{ ...planned(step, step.after), reason }]
  })
  const remaining = inOrder(withoutSkipped(steps, new Set(skipped.map((step) => step.id))))
  const shown = remaining.map((step) => planned(step, step.after))
  return {
    plan: { cluster: frame.cluster, operation: frame.operation, steps: shown, skipped, hash: hashOf(frame, shown) },
    steps: remaining,
  }
}

async function reasonToSkip(step: Step, { signal }: PlanFrame): Promise<string | undefined> {
  signal?.throwIfAborted()
  try {
    return await step.skip?.()
  } catch (error) {
    // A host that does not exist yet has nothing done on it.
    if (HostAbsent.is(error)) return undefined
    throw error
  }
}

function assertUnique(steps: readonly Step[]): void {
  const seen = new Set<string>()
  for (const { id } of steps) {
    if (seen.has(id)) throw errors.PLAN_INVALID({ reason: `two steps are called ${id}` })
    seen.add(id)
  }
}

/** The steps that are left; `after` names only steps that are left, through skipped ones. */
function withoutSkipped(steps: readonly Step[], skipped: ReadonlySet<string>): Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const through = (ids: readonly string[], met: Set<string>): string[] =>
    ids.flatMap((id) => {
      const step = byId.get(id)
      if (step === undefined || met.has(id)) return []
      met.add(id)
      return skipped.has(id) ? through(step.after, met) : [id]
    })
  return steps
    .filter((step) => !skipped.has(step.id))
    .map((step) => Object.assign(Object.create(step) as Step, { after: through(step.after, new Set()) }))
}

/** Every step behind those it needs, otherwise as given. */
function inOrder(steps: readonly Step[]): Step[] {
  const ordered: Step[] = []
  const done = new Set<string>()
  let waiting = [...steps]
  while (waiting.length > 0) {
    const ready = waiting.filter((step) => step.after.every((id) => done.has(id)))
    if (ready.length === 0) {
      throw errors.PLAN_INVALID({
        reason: `these steps wait for each other: ${waiting.map((step) => step.id).join(', ')}`,
      })
    }
    for (const step of ready) done.add(step.id)
    ordered.push(...ready)
    waiting = waiting.filter((step) => !done.has(step.id))
  }
  return ordered
}

const planned = ({ id, title, host, bytes }: Step, after: readonly string[]): PlannedStep => ({
  id,
  title,
  ...(host === undefined ? {} : { host: host.name }),
  after,
  ...(bytes === undefined ? {} : { bytes }),
})

function hashOf({ cluster, operation }: PlanFrame, steps: readonly PlannedStep[]): string {
  return createHash('sha256').update(JSON.stringify({ cluster, operation, steps })).digest('hex')
}
