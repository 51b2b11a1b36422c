import type { Plan, PlannedStep } from '@sealer/core'
import { bytesText } from './measures.ts'
import { printable } from './printable.ts'

/** A plan for people: equal steps of several hosts in one line, in the order of the plan, with bytes. */
export function planText(plan: Plan): string {
  if (plan.steps.length === 0) return `Nothing to do: ${plan.cluster} is as wanted.`
  const moved = plan.steps.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
  const what = plan.operation === 'install' ? 'make the cluster' : 'remove the cluster'
  return [
    `Plan to ${what} ${printable(plan.cluster)}: ${plan.steps.length} steps${moved > 0 ? `, ${bytesText(moved)} to move` : ''}`,
    ...grouped(plan.steps).map(groupLine),
    ...(plan.skipped.length === 0
      ? []
      : [
          '',
          'Left out:',
          ...grouped(plan.skipped, (step) => step.reason).map(
            (group) => `${groupLine(group)}: ${printable(group.note)}`,
          ),
        ]),
    '',
    'Nothing was changed.',
  ].join('\n')
}

interface Group {
  readonly title: string
  readonly note: string
  readonly hosts: readonly string[]
  readonly bytes: number
}

/** Steps of one title together, where the first of them stands. */
function grouped<Planned extends PlannedStep>(
  steps: readonly Planned[],
  noteOf: (step: Planned) => string = () => '',
): Group[] {
  const groups = new Map<string, Group>()
  for (const step of steps) {
    const note = noteOf(step)
    const key = JSON.stringify([step.title, note, step.host === undefined ? step.id : ''])
    const group = groups.get(key) ?? { title: step.title, note, hosts: [], bytes: 0 }
    const hosts = step.host === undefined ? group.hosts : [...group.hosts, step.host]
    groups.set(key, { ...group, hosts, bytes: group.bytes + (step.bytes ?? 0) })
  }
  return [...groups.values()]
}

const groupLine = ({ title, hosts, bytes }: Group): string =>
  `  ${printable(title)}${hosts.length === 0 ? '' : `  (${hosts.map(printable).join(', ')})`}${bytes > 0 ? `  ${bytesText(bytes)}` : ''}`
