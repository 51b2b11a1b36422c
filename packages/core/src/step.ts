import type { Host, HostView } from './hosts/host.ts'

/** What a step may use while it runs. */
export interface Work {
  /** The step's own host, now changeable. Throws for a step of the cluster as a whole. */
  readonly host: Host
  /** Another host of this run, for a step of the cluster as a whole. */
  on(host: HostView): Host
  readonly signal: AbortSignal
  /** Hands a value (a join token) to later steps of this run. It is never written to a journal. */
  give(key: string, value: string): void
  /** What an earlier step gave. Throws when none did: the step lacks an `after`. */
  given(key: string): string
  /** Bytes moved so far, of `Step.bytes`. */
  progress(bytes: number): void
  /** A line for whoever watches, secrets masked. */
  say(line: string): void
}

/** One thing that happens to one host, or to the cluster. Data, so that it can be listed, ordered, skipped, journalled and resumed. */
export interface Step {
  /** The same in every run; the journal and `after` speak of it, e.g. `join/node-1`. */
  readonly id: string
  /** What a user reads while it runs, e.g. "Join the cluster". */
  readonly title: string
  readonly host?: HostView
  /** Ids of the steps that must be done before. One that is not in the plan (skipped, not needed) counts as done. */
  readonly after: readonly string[]
  /** Bytes that will move, where it is known. */
  readonly bytes?: number
  /** Steps of one lane run a few at a time (`EngineLimits.lanes`), e.g. `upload`. */
  readonly lane?: string
  /** A reason not to run, e.g. "already joined". Only asks; asked once, when the plan is made. Undefined means run. */
  skip?(): Promise<string | undefined>
  /** Safe to repeat: a second run changes nothing. Here, and only here, is a `Host` that can be changed. */
  do(work: Work): Promise<void>
}
