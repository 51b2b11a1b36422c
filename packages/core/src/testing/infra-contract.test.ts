import { suite } from 'uvu'
import type { Infra } from '../infra.ts'
import { defaultFacts } from './default-facts.ts'
import { fakeHost } from './fake-host.ts'
import { infraContract } from './infra-contract.ts'
import { wantedOn } from './wanted-on.ts'

const test = suite('infra-contract')

/** Machines that exist as names in a set. */
function setInfra(running: Set<string>): Infra {
  return {
    name: 'set',
    observe: async (wanted) =>
      wanted.hosts.map((spec) => ({
        spec,
        state: running.has(spec.name) ? 'running' : 'absent',
        expected: { ...defaultFacts, hostname: spec.name, machineId: '', addresses: [spec.address] },
      })),
    steps: (_wanted, observed) =>
      observed
        .filter(({ state }) => state !== 'running')
        .map(({ spec }) => ({
          id: `host/${spec.name}`,
          title: 'Make the host',
          after: [],
          do: async () => void running.add(spec.name),
        })),
    release: (_cluster, observed) =>
      observed.map(({ spec }) => ({
        id: `release/${spec.name}`,
        title: 'Give the host back',
        after: [],
        do: async () => void running.delete(spec.name),
      })),
  }
}

infraContract(test, () => ({ infra: setInfra(new Set(['a'])), wanted: wantedOn([fakeHost('a'), fakeHost('b')]) }))

test.run()
