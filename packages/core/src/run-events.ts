/** What a run tells while it goes on, in order. Times are milliseconds since 1970; texts have their secrets masked. */
export type RunEvent =
  | {
      readonly type: 'run-started'
      readonly at: number
      readonly run: string
      readonly cluster: string
      readonly steps: number
      readonly bytes: number
    }
  | {
      readonly type: 'step-started'
      readonly at: number
      readonly step: string
      readonly title: string
      readonly host?: string
      readonly bytes?: number
    }
  | {
      readonly type: 'step-progress'
      readonly at: number
      readonly step: string
      readonly host?: string
      readonly bytes: number
      readonly total?: number
    }
  | {
      readonly type: 'step-said'
      readonly at: number
      readonly step: string
      readonly host?: string
      readonly line: string
    }
  | {
      readonly type: 'step-finished'
      readonly at: number
      readonly step: string
      readonly title: string
      readonly host?: string
      readonly milliseconds: number
    }
  | {
      readonly type: 'step-failed'
      readonly at: number
      readonly step: string
      readonly title: string
      readonly host?: string
      readonly reason: string
    }
  | {
      readonly type: 'run-ended'
      readonly at: number
      readonly run: string
      readonly outcome: 'finished' | 'failed' | 'aborted'
      readonly milliseconds: number
    }

/** Receives events; must not throw. */
export type OnEvent = (event: RunEvent) => void
