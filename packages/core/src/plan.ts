import type { Step } from './step.ts'

/** A step as a plan shows it: data only. */
export interface PlannedStep {
  readonly id: string
  readonly title: string
  /** Name of the host; absent for a step of the cluster as a whole. */
  readonly host?: string
  readonly after: readonly string[]
  readonly bytes?: number
}

/** What would be done: data, printable, hashable. */
export interface Plan {
  readonly cluster: string
  readonly operation: 'install' | 'remove'
  /** In an order that respects `after`. */
  readonly steps: readonly PlannedStep[]
  /** Steps left out, each with its reason. */
  readonly skipped: readonly (PlannedStep & { readonly reason: string })[]
  /** sha256 over the operation and its steps: equal plans have equal hashes. */
  readonly hash: string
}

/** A plan with the code that executes it. `JSON.stringify(work.plan)` is all there is to see. */
export interface PlannedWork {
  readonly plan: Plan
  readonly steps: readonly Step[]
}
