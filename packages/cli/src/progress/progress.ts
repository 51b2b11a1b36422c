import type { OnEvent } from '@sealer/core'
import type { CliContext } from '../context.ts'
import { activeLine, eventLine, painter } from './event-lines.ts'
import { after, noRun } from './run-state.ts'

/** Shows a run while it goes on; what is left on the screen stays after its end. */
export interface Progress extends Disposable {
  readonly onEvent: OnEvent
}

/** The fitting way: NDJSON for programs, a redrawn region on a terminal, plain lines elsewhere. */
export function showProgress(context: CliContext): Progress {
  if (context.format === 'json') return ndjson(context)
  return context.terminal.live ? redrawn(context) : plain(context)
}

function ndjson({ terminal }: CliContext): Progress {
  return { onEvent: (event) => terminal.stdout(`${JSON.stringify(event)}\n`), [Symbol.dispose]: () => {} }
}

/** How often a log is told what is still under way. */
const stillEvery = 15_000

function plain(context: CliContext): Progress {
  const paint = painter(context.colour)
  const say = (line: string) => context.terminal.stderr(`${context.mask(line)}\n`)
  let state = noRun
  const timer = setInterval(() => {
    const now = Date.now()
    for (const step of state.active.values()) {
      if (now - step.since >= stillEvery) say(`… ${activeLine(step, now)}`)
    }
  }, stillEvery)
  timer.unref()
  return {
    onEvent: (event) => {
      state = after(state, event)
      const line = eventLine(event, paint)
      if (line !== undefined) say(line)
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const frameEvery = 100
/** Steps shown at once; a run on a hundred hosts would push everything else off the screen. */
const shownSteps = 12

function redrawn(context: CliContext): Progress {
  const { terminal } = context
  const paint = painter(context.colour)
  let state = noRun
  const write = terminal.stderr
  let drawn = 0
  let waiting: string[] = []
  let frame = 0
  const region = (now: number): string[] => {
    if (state.steps === 0) return []
    const steps = [...state.active.values()]
    const more = steps.length - shownSteps
    return [
      ...steps.slice(0, shownSteps).map((step) => `${frames[frame % frames.length]} ${activeLine(step, now)}`),
      ...(more > 0 ? [`  … and ${more} more`] : []),
      `${state.cluster}  ${state.done} of ${state.steps} steps`,
    ].map((line) => (line.length > terminal.columns - 1 ? `${line.slice(0, terminal.columns - 2)}…` : line))
  }
  const draw = (lines: readonly string[]) => {
    const back = drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`
    const text = [...waiting, ...lines].map((line) => `${context.mask(line)}\n`).join('')
    waiting = []
    drawn = lines.length
    if (back !== '' || text !== '') write(`${back}${text}`)
  }
  const timer = setInterval(() => {
    frame += 1
    draw(region(Date.now()))
  }, frameEvery)
  timer.unref()
  // What others say meanwhile (a warning, that Ctrl-C was heard) stands above the region.
  terminal.stderr = (text) => {
    waiting.push(...String(text).trim().split('\n'))
    draw(region(Date.now()))
  }
  return {
    onEvent: (event) => {
      state = after(state, event)
      const line = eventLine(event, paint)
      if (line !== undefined) waiting.push(line)
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
      draw([])
      terminal.stderr = write
    },
  }
}
