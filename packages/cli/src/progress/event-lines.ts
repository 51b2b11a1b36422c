import type { RunEvent } from '@sealer/core'
import colours from 'picocolors'
import { bytesText, durationText } from '../measures.ts'
import { printable } from '../printable.ts'
import type { ActiveStep } from './run-state.ts'

type Paint = ReturnType<typeof colours.createColors>

/** Colours, or none. */
export const painter = (colour: boolean): Paint => colours.createColors(colour)

/** What stays on the screen of an event; undefined where nothing does. */
export function eventLine(event: RunEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case 'run-started':
      if (event.steps === 0) return undefined
      return `${paint.bold(event.cluster)}: ${event.steps} steps${event.bytes > 0 ? `, ${bytesText(event.bytes)} to move` : ''}`
    case 'step-finished':
      return `${paint.green('✔')} ${where(event.host)}${printable(event.title)}  ${paint.dim(durationText(event.milliseconds))}`
    case 'step-failed':
      return `${paint.red('✗')} ${where(event.host)}${printable(event.title)}: ${printable(event.reason).split('\n')[0] ?? ''}`
    case 'step-said':
      return paint.dim(`  ${where(event.host)}${printable(event.line)}`)
    case 'step-started':
    case 'step-progress':
    case 'run-ended':
      return undefined
  }
}

/** A step under way in one line: host, title, bytes, how long already. */
export function activeLine(step: ActiveStep, now: number): string {
  const bytes =
    step.bytes === undefined
      ? ''
      : `  ${bytesText(step.bytes)}${step.total === undefined ? '' : ` of ${bytesText(step.total)}`}`
  return `${where(step.host)}${printable(step.title)}${bytes}  ${durationText(now - step.since)}`
}

const where = (host: string | undefined): string => (host === undefined ? '' : `${printable(host)}: `)
