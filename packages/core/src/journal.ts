/** One line of a run's journal. Holds no secrets: what a step hands on is never written. */
export interface JournalEntry {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly run: string
  readonly event: 'planned' | 'started' | 'finished' | 'failed' | 'ended'
  /** Hash of the plan, with `planned`. */
  readonly plan?: string
  /** Steps of the plan in order, with `planned`, so that a later run can tell what was left. */
  readonly steps?: readonly string[]
  /** The step, with `started`, `finished` and `failed`. */
  readonly step?: string
  /** Why, with `failed`; how it ended, with `ended`. */
  readonly reason?: string
}

/** Which steps a run has finished: append-only, flushed before a step counts as done, so that a run can be killed at any moment. */
export interface Journal {
  append(entry: JournalEntry): Promise<void>
  /** Entries of all runs of this cluster, oldest first; a torn last line is left out. */
  entries(): Promise<readonly JournalEntry[]>
}
