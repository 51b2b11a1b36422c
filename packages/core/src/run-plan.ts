import type { Clock } from './clock.ts'
import { errors, type SealerError } from './errors.ts'
import type { Host, HostPool } from './hosts/host.ts'
import type { Journal } from './journal.ts'
import type { Milestone } from './make-plan.ts'
import type { PlannedWork } from './plan.ts'
import type { OnEvent, RunEvent } from './run-events.ts'
import type { Secrets } from './secrets.ts'
import type { Step, Work } from './step.ts'

/** How much happens at once. */
export interface EngineLimits {
  /** Steps under way in all. */
  readonly steps: number
  /** Steps under way of one lane, e.g. `{ upload: 4 }`; a lane that is not named has no limit of its own. */
  readonly lanes: Readonly<Record<string, number>>
}

export const defaultLimits: EngineLimits = { steps: 64, lanes: { upload: 6 } }

/** What the engine works with. */
export interface RunContext {
  /** Id of the run. */
  readonly run: string
  readonly hosts: HostPool
  readonly journal: Journal
  readonly clock: Clock
  readonly secrets: Secrets
  readonly signal: AbortSignal
  readonly onEvent?: OnEvent
  readonly limits?: EngineLimits
  readonly milestones?: readonly Milestone[]
}

/**
 * Runs every plan: order, limits, journal, events and cancellation; knows nothing of what the steps do. When a step fails no new one
 * starts, those under way end, finished ones stay. Gives the ids of the steps in the order they finished.
 * @throws STEP_FAILED, RUN_ABORTED
 */
export async function runPlan(work: PlannedWork, context: RunContext): Promise<readonly string[]> {
  const engine = new Engine(work, context)
  return await engine.run()
}

class Engine {
  readonly #work: PlannedWork
  readonly #context: RunContext
  readonly #limits: EngineLimits
  readonly #given = new Map<string, string>()
  readonly #finished: string[] = []
  readonly #done = new Set<string>()
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #lanes = new Map<string, number>()
  readonly #failures: SealerError[] = []
  #waiting: readonly Step[]
  #milestones: readonly Milestone[]

  constructor(work: PlannedWork, context: RunContext) {
    this.#work = work
    this.#context = context
    this.#limits = context.limits ?? defaultLimits
    this.#waiting = work.steps
    const ids = new Set(work.steps.map((step) => step.id))
    this.#milestones = (context.milestones ?? [])
      .map((milestone) => ({
        ...milestone,
        happen: milestone.happen.bind(milestone),
        after: milestone.after.filter((id) => ids.has(id)),
      }))
      .filter((milestone) => milestone.after.length > 0)
  }

  async run(): Promise<readonly string[]> {
    const { clock, run } = this.#context
    const { plan, steps } = this.#work
    const began = clock.now()
    await this.#record({ event: 'planned', plan: plan.hash, steps: plan.steps.map((step) => step.id) })
    const bytes = steps.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
    this.#tell({ type: 'run-started', at: began, run, cluster: plan.cluster, steps: steps.length, bytes })
    while (!this.#stopping() && this.#waiting.length > 0) {
      this.#startWhatCan()
      await Promise.race(this.#underWay.values())
    }
    await Promise.all(this.#underWay.values())
    const outcome = this.#failures.length > 0 ? 'failed' : this.#context.signal.aborted ? 'aborted' : 'finished'
    await this.#record({ event: 'ended', reason: outcome })
    this.#tell({ type: 'run-ended', at: clock.now(), run, outcome, milliseconds: clock.now() - began })
    if (outcome === 'aborted') throw errors.RUN_ABORTED({ done: this.#finished.length, of: steps.length })
    this.#throwFailures()
    return this.#finished
  }

  #stopping(): boolean {
    return this.#failures.length > 0 || this.#context.signal.aborted
  }

  #startWhatCan(): void {
    const started = this.#waiting.filter((step) => {
      if (this.#underWay.size >= this.#limits.steps || !this.#free(step.lane)) return false
      if (!step.after.every((id) => this.#done.has(id))) return false
      this.#start(step)
      return true
    })
    this.#waiting = this.#waiting.filter((step) => !started.includes(step))
  }

  #free(lane: string | undefined): boolean {
    return lane === undefined || (this.#lanes.get(lane) ?? 0) < (this.#limits.lanes[lane] ?? Number.POSITIVE_INFINITY)
  }

  #start(step: Step): void {
    const count = (by: number) => {
      if (step.lane !== undefined) this.#lanes.set(step.lane, (this.#lanes.get(step.lane) ?? 0) + by)
    }
    count(1)
    const ended = this.#execute(step).finally(() => {
      count(-1)
      this.#underWay.delete(step.id)
    })
    this.#underWay.set(step.id, ended)
  }

  /** Never rejects: a failure is kept and ends the run. */
  async #execute(step: Step): Promise<void> {
    const { clock } = this.#context
    const began = clock.now()
    const about = { step: step.id, title: step.title, ...(step.host === undefined ? {} : { host: step.host.name }) }
    try {
      await this.#record({ event: 'started', step: step.id })
      this.#tell({
        type: 'step-started',
        at: began,
        ...about,
        ...(step.bytes === undefined ? {} : { bytes: step.bytes }),
      })
      await step.do(this.#workOf(step))
      await this.#record({ event: 'finished', step: step.id })
      this.#finished.push(step.id)
      this.#tell({ type: 'step-finished', at: clock.now(), ...about, milliseconds: clock.now() - began })
      this.#done.add(step.id)
      await this.#passMilestones()
    } catch (cause) {
      const reason = this.#context.secrets.mask(cause instanceof Error ? cause.message : String(cause))
      // What ends because of an abort is not a failure of its own.
      if (!this.#context.signal.aborted) {
        this.#failures.push(errors.STEP_FAILED({ step: step.id, host: step.host?.name, reason }, { cause }))
      }
      this.#tell({ type: 'step-failed', at: clock.now(), ...about, reason })
      await this.#record({ event: 'failed', step: step.id, reason }).catch(() => {})
    }
  }

  async #passMilestones(): Promise<void> {
    const passed = this.#milestones.filter((milestone) => milestone.after.every((id) => this.#done.has(id)))
    this.#milestones = this.#milestones.filter((milestone) => !passed.includes(milestone))
    for (const milestone of passed) await milestone.happen()
  }

  #workOf(step: Step): Work {
    const { hosts, signal, clock, secrets } = this.#context
    const about = { step: step.id, ...(step.host === undefined ? {} : { host: step.host.name }) }
    const given = this.#given
    return {
      get host(): Host {
        if (step.host === undefined) throw new Error(`${step.id} belongs to no host`)
        return hosts.host(step.host.spec)
      },
      on: (view) => hosts.host(view.spec),
      signal,
      give: (key, value) => {
        secrets.remember(value)
        given.set(key, value)
      },
      given: (key) => {
        const value = given.get(key)
        if (value === undefined) throw new Error(`${step.id} needs "${key}", which no step before it has given`)
        return value
      },
      progress: (bytes) =>
        this.#tell({
          type: 'step-progress',
          at: clock.now(),
          ...about,
          bytes,
          ...(step.bytes === undefined ? {} : { total: step.bytes }),
        }),
      say: (line) => this.#tell({ type: 'step-said', at: clock.now(), ...about, line: secrets.mask(line) }),
    }
  }

  #throwFailures(): void {
    const [first] = this.#failures
    if (first === undefined) return
    if (this.#failures.length === 1) throw first
    const hosts = new Set(this.#work.steps.flatMap((step) => (step.host === undefined ? [] : [step.host.name])))
    throw errors.HOSTS_FAILED({ failed: this.#failures.length, of: hosts.size }, { problems: this.#failures })
  }

  #record(entry: Omit<Parameters<Journal['append']>[0], 'at' | 'run'>): Promise<void> {
    return this.#context.journal.append({ at: this.#context.clock.now(), run: this.#context.run, ...entry })
  }

  #tell(event: RunEvent): void {
    this.#context.onEvent?.(event)
  }
}
