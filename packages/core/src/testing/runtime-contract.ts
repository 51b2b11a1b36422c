import * as assert from 'node:assert/strict'
import type { Host } from '../hosts/host.ts'
import type { Runtime, RuntimeContext } from '../runtime.ts'
import type { Step } from '../step.ts'
import { type FakeHost, fakeHost } from './fake-host.ts'
import { runSteps } from './run-steps.ts'
import { allBefore, assertAfterResolves, assertUniqueIds, idsOf, idsToDo } from './steps-of.ts'
import type { Suite } from './suite.ts'
import { contextOn } from './wanted-on.ts'

/** What a runtime is tried on: bare hosts, at least one with the role `master`. */
export interface RuntimeWorld {
  readonly runtime: Runtime
  /** Fake hosts, with the answers that this runtime needs, or real ones that have their rootfs. */
  readonly hosts: readonly Host[]
  /** What differs from what `contextOn` arranges. */
  readonly context?: Partial<RuntimeContext>
}

/**
 * What every runtime promises, as tests of the given suite. They build on each other: planned, installed, removed. On fake hosts this takes
 * milliseconds; on real ones the same tests make and remove a cluster.
 * Steps that bring a host into the cluster are called `init` or `init/NAME`, and `join/NAME`.
 */
export function runtimeContract(test: Suite, make: () => RuntimeWorld | Promise<RuntimeWorld>): void {
  let world: Promise<RuntimeWorld> | undefined
  const secrets: string[] = []
  const made = async () => {
    world ??= Promise.resolve(make())
    return await world
  }
  const contextOf = async ({ hosts, context }: RuntimeWorld) => await contextOn(hosts, context)
  const install = async () => {
    const all = await made()
    return { ...all, steps: all.runtime.install(await contextOf(all)) }
  }
  const remove = async () => {
    const all = await made()
    return { ...all, steps: all.runtime.remove(await contextOf(all)) }
  }

  test('contract: steps have ids of their own, the same in every plan', async () => {
    const { steps } = await install()
    assert.ok(steps.length > 0)
    assertUniqueIds(steps)
    assert.deepEqual(idsOf((await install()).steps), idsOf(steps))
  })

  test('contract: steps wait for steps that exist', async () => {
    const { hosts, context, steps } = await install()
    const { rootfsStep, registryStep } = await contextOn(hosts, context)
    const provided = new Set(hosts.flatMap((host) => [rootfsStep(host), registryStep(host)]))
    assertAfterResolves(steps, (id) => provided.has(id))
    assertAfterResolves((await remove()).steps, () => false)
  })

  test('contract: masters join one at a time', async () => {
    const { steps } = await install()
    const joins = steps.filter(({ id, host }) => /^(init|join)(\/|$)/.test(id) && host?.roles.includes('master'))
    for (const [index, step] of joins.entries()) {
      const before = allBefore(step, steps)
      for (const earlier of joins.slice(0, index)) {
        assert.ok(
          before.has(earlier.id) || allBefore(earlier, steps).has(step.id),
          `${step.id} does not wait for ${earlier.id}`,
        )
      }
    }
  })

  test('contract: planning changes nothing', async () => {
    const { hosts, steps } = await install()
    await idsToDo(steps)
    await idsToDo((await remove()).steps)
    for (const host of hosts.filter(isFake)) assert.deepEqual(host.commands, [])
  })

  test('contract: bare hosts are no cluster', async () => {
    const { runtime, hosts } = await made()
    assert.equal((await runtime.status(hosts)).state, 'absent')
  })

  test('contract: an install runs through', async () => {
    const { hosts, steps } = await install()
    const run = await runSteps(steps, hosts)
    secrets.push(...run.secrets)
    assert.ok(run.ran.length > 0)
  })

  test('contract: no secret stands on a command line, in a path, a title or an id', async () => {
    const { hosts, steps } = await install()
    const commands = hosts.filter(isFake).flatMap((host) => [...host.commands, ...host.asked, ...host.files.keys()])
    const texts = [...commands, ...steps.map(({ id, title }) => `${id} ${title}`)]
    for (const secret of secrets)
      assert.deepEqual(
        texts.filter((text) => text.includes(secret)),
        [],
      )
  })

  test('contract: a second plan of installed hosts has nothing to do', async () => {
    const { steps } = await install()
    assert.deepEqual(await idsToDo(steps), [])
  })

  test('contract: every step can be repeated', async () => {
    const { hosts, steps } = await install()
    if (hosts.every(isFake)) await runSteps(withoutSkip(steps), hosts) // a real cluster is joined once
    assert.deepEqual(await idsToDo((await install()).steps), [])
  })

  test('contract: status answers for hosts that are dead', async () => {
    const { runtime, hosts } = await made()
    const dead = hosts.map(({ name, roles }) => fakeHost(name, roles).die())
    const { state } = await runtime.status(dead)
    assert.ok(['absent', 'broken'].includes(state), `state is ${state}`)
  })

  test('contract: removal leaves hosts that can be installed again, and can be repeated', async () => {
    const { hosts, steps } = await remove()
    assert.ok(steps.length > 0)
    assertUniqueIds(steps)
    await runSteps(steps, hosts)
    assert.deepEqual(await idsToDo((await remove()).steps), [])
    await runSteps(withoutSkip((await remove()).steps), hosts)
    assert.ok((await idsToDo((await install()).steps)).length > 0)
  })
}

/** The same steps, to be done whatever is there. */
const withoutSkip = (steps: readonly Step[]): Step[] =>
  steps.map((step) => Object.assign(Object.create(step) as Step, { skip: async () => undefined }))

const isFake = (host: Host): host is FakeHost => 'commands' in host
