import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Wanted } from '@sealer/core'
import { rejection, wantedOn } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LocalInfra } from './infra.ts'
import { LocalClusters } from './local-clusters.ts'
import { writeState } from './state.ts'

const test = suite('infra-local')
const home = mkdtempSync(join(tmpdir(), 'sealer-infra-'))
const infra = new LocalInfra(new LocalClusters({ home, cache: join(home, 'cache') }))
test.after(() => rmSync(home, { recursive: true }))

const wish = (overrides: Partial<Wanted>) => wantedOn([], { cluster: 'unit-test-lab', infra: 'local', ...overrides })
const seen = async (wanted: Wanted) =>
  (await infra.observe(wanted)).map(
    ({ spec, state }) => `${spec.name} ${spec.address.split('.').at(-1)} ${spec.roles} ${state}`,
  )

test('hosts by number are absent until they are made, and have their addresses already', async () => {
  assert.equal(await seen(wish({ counts: { masters: 1, nodes: 2 } })), [
    'unit-test-lab-m1 11 master absent',
    'unit-test-lab-n1 12 node absent',
    'unit-test-lab-n2 13 node absent',
  ])
})

test('what an absent host will be is told, so that the rest can be planned', async () => {
  const [host] = await infra.observe(wish({ counts: { masters: 1, nodes: 0 } }))
  assert.equal(host?.expected?.listening, [22])
  assert.is(host?.expected?.hostname, 'unit-test-lab-m1')
  assert.ok((host?.expected?.diskFreeBytes ?? 0) > 0)
  assert.match(host?.spec.ssh?.privateKey ?? '', home)
})

test('root, then network, then hosts side by side', async () => {
  const wanted = wish({ counts: { masters: 1, nodes: 1 } })
  const steps = infra.steps(wanted, await infra.observe(wanted))
  assert.equal(
    steps.map(({ id, after }) => `${id} <- ${after}`),
    [
      'host-root <- ',
      'host-network <- host-root',
      'host/unit-test-lab-m1 <- host-network',
      'host/unit-test-lab-n1 <- host-network',
    ],
  )
})

test('hosts that are there and do not run are stopped, and found by recorded names', async () => {
  const host = { name: 'unit-test-lab-m1', role: 'master', address: '198.18.9.11', link: 'h1' } as const
  await writeState(home, {
    version: 1,
    cluster: 'unit-test-lab',
    network: 9,
    root: 'x',
    memoryDisks: false,
    exposed: [],
    hosts: [host],
  })
  assert.equal(await seen(wish({ counts: { masters: 0, nodes: 0 } })), ['unit-test-lab-m1 11 master stopped'])
  const record = (name: string, address: string) => wish({ hosts: [{ name, address, roles: ['master'] }] })
  assert.equal(await seen(record('unit-test-lab-m1', '198.18.9.11')), ['unit-test-lab-m1 11 master stopped'])
  assert.match((await rejection(infra.observe(record('10.0.0.1', '10.0.0.1')))).message, /10.0.0.1 is not a local host/)
})

test('options are checked by name and kind', async () => {
  const counts = { masters: 1, nodes: 0 }
  const wrong = async (infraOptions: Wanted['infraOptions']) =>
    (await rejection(infra.observe(wish({ counts, infraOptions })))).message
  assert.match(await wrong({ memory: true }), /"memory" .* no such option/)
  assert.match(await wrong({ memoryDisks: 'yes' }), /"yes" does not fit/)
  assert.ok(await infra.observe(wish({ counts, infraOptions: { memoryDisks: true, diskBytes: 1e9 } })))
})

test.run()
