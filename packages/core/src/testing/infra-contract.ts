import * as assert from 'node:assert/strict'
import type { Host } from '../hosts/host.ts'
import type { Infra, InfraHost } from '../infra.ts'
import type { Wanted } from '../wanted.ts'
import { runSteps } from './run-steps.ts'
import { assertAfterResolves, assertUniqueIds, idsOf, idsToDo } from './steps-of.ts'
import type { Suite } from './suite.ts'

/** What an infra is tried with: a wish for at least one host. */
export interface InfraWorld {
  readonly infra: Infra
  readonly wanted: Wanted
  /** Hosts for the steps that use them; none for an infra whose steps do not. */
  readonly hosts?: readonly Host[]
}

/**
 * What every infra promises, as tests of the given suite. They build on each other: observed, made, given back. On a fake of the far side
 * this takes milliseconds; on a real one the same tests make hosts and give them back.
 */
export function infraContract(test: Suite, make: () => InfraWorld | Promise<InfraWorld>): void {
  let world: Promise<InfraWorld> | undefined
  const observed = async () => {
    world ??= Promise.resolve(make())
    const all = await world
    return { ...all, seen: await all.infra.observe(all.wanted, new AbortController().signal) }
  }

  test('contract: observing twice sees the same', async () => {
    const first = await observed()
    assert.ok(first.seen.length > 0)
    assert.deepEqual(shapes((await observed()).seen), shapes(first.seen))
  })

  test('contract: hosts have names and addresses of their own', async () => {
    const { seen } = await observed()
    const names = seen.map(({ spec }) => spec.name)
    const places = seen.map(({ spec }) => `${spec.address} ${spec.ssh?.port ?? 'local'}`)
    assert.equal(new Set(names).size, seen.length, names.join(', '))
    assert.equal(new Set(places).size, seen.length, places.join(', '))
    for (const name of names) assert.match(name, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  })

  test('contract: a host that does not run says what it will be', async () => {
    const { seen } = await observed()
    const silent = seen.filter(({ state, expected }) => state !== 'running' && expected === undefined)
    assert.deepEqual(
      silent.map(({ spec }) => spec.name),
      [],
    )
  })

  test('contract: a step named host/NAME makes each host that does not run', async () => {
    const { infra, wanted, seen } = await observed()
    const steps = infra.steps(wanted, seen)
    assertUniqueIds(steps)
    assertAfterResolves(steps, () => false)
    const missing = seen.filter(({ state, spec }) => state !== 'running' && !idsOf(steps).includes(`host/${spec.name}`))
    assert.deepEqual(
      missing.map(({ spec }) => spec.name),
      [],
    )
  })

  test('contract: after its steps every host runs, and nothing is left to do', async () => {
    const { infra, wanted, seen, hosts = [] } = await observed()
    await runSteps(infra.steps(wanted, seen), hosts)
    const after = await observed()
    assert.deepEqual(
      after.seen.map(({ state }) => state),
      after.seen.map(() => 'running'),
    )
    assert.deepEqual(await idsToDo(infra.steps(wanted, after.seen)), [])
  })

  test('contract: hosts are given back, also twice', async () => {
    const { infra, wanted, seen, hosts = [] } = await observed()
    const steps = infra.release(wanted.cluster, seen)
    assertUniqueIds(steps)
    assertAfterResolves(steps, () => false)
    await runSteps(steps, hosts)
    await runSteps(infra.release(wanted.cluster, seen), hosts)
    const left = (await observed()).seen.filter(({ state }) => state === 'running')
    if (steps.length > 0)
      assert.deepEqual(
        left.map(({ spec }) => spec.name),
        [],
      )
  })
}

const shapes = (seen: readonly InfraHost[]) =>
  seen.map(({ spec, state }) => ({ name: spec.name, address: spec.address, state }))
