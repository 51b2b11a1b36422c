import * as assert from 'node:assert/strict'
import type { Step } from '../step.ts'

/** Ids of steps, in the order given. */
export const idsOf = (steps: readonly Step[]): string[] => steps.map((step) => step.id)

export function assertUniqueIds(steps: readonly Step[]): void {
  const twice = idsOf(steps).filter((id, index, all) => all.indexOf(id) !== index)
  assert.deepEqual(twice, [], 'two steps with one id')
}

/** Every `after` names a step that is there, or one that core provides. */
export function assertAfterResolves(steps: readonly Step[], provided: (id: string) => boolean): void {
  const ids = new Set(idsOf(steps))
  const loose = steps.flatMap((step) =>
    step.after.filter((id) => !ids.has(id) && !provided(id)).map((id) => `${step.id} after ${id}`),
  )
  assert.deepEqual(loose, [], 'steps that wait for what nobody does')
}

/** Ids of all steps that must be done before this one. */
export function allBefore(step: Step, steps: readonly Step[], met = new Set<string>()): ReadonlySet<string> {
  for (const id of step.after) {
    const earlier = steps.find((one) => one.id === id)
    if (earlier === undefined || met.has(id)) continue
    met.add(id)
    allBefore(earlier, steps, met)
  }
  return met
}

/** Ids of the steps that see no reason to be skipped. */
export async function idsToDo(steps: readonly Step[]): Promise<string[]> {
  const todo: string[] = []
  for (const step of steps) if ((await step.skip?.()) === undefined) todo.push(step.id)
  return todo
}
