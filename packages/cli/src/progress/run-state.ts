import type { RunEvent } from '@sealer/core'

/** A step under way. */
export interface ActiveStep {
  readonly step: string
  readonly title: string
  readonly host: string | undefined
  /** Milliseconds since 1970. */
  readonly since: number
  /** Bytes moved, of `total` where it is known. */
  readonly bytes: number | undefined
  readonly total: number | undefined
}

/** Where a run stands, as its events tell. */
export interface RunState {
  readonly cluster: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly steps: number
  readonly done: number
  /** In the order they began. */
  readonly active: ReadonlyMap<string, ActiveStep>
}

/** Before the first event. */
export const noRun: RunState = { cluster: '', since: 0, steps: 0, done: 0, active: new Map() }

/** The state after an event. */
export function after(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'run-started':
      return { cluster: event.cluster, since: event.at, steps: event.steps, done: 0, active: new Map() }
    case 'step-started': {
      const { step, title, host, at, bytes } = event
      return {
        ...state,
        active: new Map(state.active).set(step, { step, title, host, since: at, bytes: undefined, total: bytes }),
      }
    }
    case 'step-progress': {
      const active = state.active.get(event.step)
      if (active === undefined) return state
      const moved = { ...active, bytes: event.bytes, total: event.total ?? active.total }
      return { ...state, active: new Map(state.active).set(event.step, moved) }
    }
    case 'step-finished':
    case 'step-failed': {
      const active = new Map(state.active)
      active.delete(event.step)
      return { ...state, active, done: state.done + (event.type === 'step-finished' ? 1 : 0) }
    }
    case 'step-said':
      return state
    case 'run-ended':
      return { ...state, active: new Map() }
  }
}
