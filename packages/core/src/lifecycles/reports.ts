import type { ClusterStatus } from '../runtime.ts'

/** What an install has reached. */
export interface InstallReport {
  readonly cluster: string
  /** Id of the run. */
  readonly run: string
  readonly status: ClusterStatus
  /** Steps that ran, in the order they finished. */
  readonly steps: readonly string[]
  /** Milliseconds from plan to end. */
  readonly milliseconds: number
}
