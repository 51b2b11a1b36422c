import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { HostView } from '../hosts/host.ts'
import type { Runtime } from '../runtime.ts'
import type { Step } from '../step.ts'
import { fakeHost } from './fake-host.ts'
import { rejection } from './rejection.ts'
import { runtimeContract } from './runtime-contract.ts'

const test = suite('runtime-contract')

const mark = '/etc/test/joined'

/** The least that is a runtime: a file on every host. */
class FileRuntime implements Runtime {
  readonly name = 'file'
  readonly delivery = 'hosts'

  install({ hosts, rootfsStep }: Parameters<Runtime['install']>[0]): Step[] {
    return hosts.map(({ view }, index) => ({
      id: `join/${view.name}`,
      title: 'Join',
      host: view,
      after: [rootfsStep(view), ...hosts.slice(0, index).map((earlier) => `join/${earlier.view.name}`)],
      skip: async () => ((await view.has(mark)) ? 'joined' : undefined),
      do: (work) => this.join(work),
    }))
  }

  async join({ host, give }: Parameters<Step['do']>[0]): Promise<void> {
    give('token', 't0ken-of-this-run')
    await host.write(mark, 't0ken-of-this-run', { mode: 0o600 })
  }

  remove({ hosts }: Parameters<Runtime['remove']>[0]): Step[] {
    return hosts.map(({ view }) => ({
      id: `leave/${view.name}`,
      title: 'Leave',
      host: view,
      after: [],
      skip: async () => ((await view.has(mark)) ? undefined : 'not joined'),
      do: async ({ host }) => void (await host.exec('rm', '-f', mark)),
    }))
  }

  async status(hosts: readonly HostView[]): ReturnType<Runtime['status']> {
    const joined = await Promise.all(hosts.map((host) => host.has(mark).catch(() => false)))
    return { state: joined.includes(true) ? 'ready' : 'absent', nodes: [] }
  }
}

const hosts = () => [fakeHost('m1', ['master']), fakeHost('m2', ['master']), fakeHost('n1')]

runtimeContract(test, () => ({ runtime: new FileRuntime(), hosts: hosts() }))

/** The failures of a runtime that breaks a promise. */
async function failuresOf(runtime: Runtime): Promise<string[]> {
  const failed: string[] = []
  const tests: [string, () => Promise<void>][] = []
  runtimeContract(
    (name, body) => void tests.push([name, body]),
    () => ({ runtime, hosts: hosts() }),
  )
  for (const [name, body] of tests) await body().catch(() => failed.push(name))
  return failed
}

test('a token on a command line is found', async () => {
  class Leaky extends FileRuntime {
    override async join(work: Parameters<Step['do']>[0]): Promise<void> {
      await super.join(work)
      await work.host.exec('join', '--token', 't0ken-of-this-run')
    }
  }
  assert.equal(await failuresOf(new Leaky()), [
    'contract: no secret stands on a command line, in a path, a title or an id',
  ])
})

test('masters that join side by side are found', async () => {
  class Hasty extends FileRuntime {
    override install(context: Parameters<Runtime['install']>[0]): Step[] {
      return super.install(context).map((step) => Object.assign(step, { after: [] }))
    }
  }
  assert.equal(await failuresOf(new Hasty()), ['contract: masters join one at a time'])
})

test('a status that throws for dead hosts is found', async () => {
  class Strict extends FileRuntime {
    override async status(all: readonly HostView[]): ReturnType<Runtime['status']> {
      await Promise.all(all.map((host) => host.facts()))
      return await super.status(all)
    }
  }
  assert.equal(await failuresOf(new Strict()), ['contract: status answers for hosts that are dead'])
})

test('a promise that is kept is no rejection', async () => {
  const error = await rejection(rejection(Promise.resolve()))
  assert.match(error.message, /expected to be rejected/)
})

test.run()
