import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errors } from '../errors.ts'
import type { HostPool, HostSpec } from '../hosts/host.ts'
import { type FakeHost, fakeHost } from '../testing/fake-host.ts'
import { inOrder, silentMembers } from './silent-members.ts'

const test = suite('silent members')
const unreachable = errors.HOST_UNREACHABLE({ host: 'x', address: 'x', reason: 'it does not answer' })
const pool = { view: (spec: HostSpec) => fakeHost(spec.name, spec.roles, { spec }) } as unknown as HostPool
const record = (...hosts: readonly FakeHost[]) =>
  JSON.stringify({ hosts: hosts.map(({ name, address, roles }) => ({ name, address, roles })) })

/** A master that keeps the record of these hosts, as it is met. */
async function keeping(...hosts: readonly FakeHost[]) {
  const master = fakeHost('m2', ['master'])
  master.files.set('/var/lib/sealer/clusters/lab/cluster.json', record(master, ...hosts))
  return { view: master, facts: await master.facts(), exists: true }
}

test('a host that the cluster counts as its own is silent, by the name that the cluster knows', async () => {
  const gone = fakeHost('m1', ['master'])
  const met = fakeHost(gone.address, ['master'], { address: gone.address }) // named by its address until it says more
  const failures = [{ host: met, error: unreachable }]
  const silent = await silentMembers('lab', { known: [await keeping(gone)], failures }, pool)
  assert.equal(
    silent.map(({ name, address }) => `${name} ${address}`),
    [`m1 ${gone.address}`],
  )
})

test('a host that never belonged to it, or that refuses the login, is a problem', async () => {
  const [stranger, locked] = [fakeHost('n8'), fakeHost('n9')]
  const refused = errors.HOST_AUTH_FAILED({ host: 'n9', user: 'root', tried: 'nothing' })
  const failures = [
    { host: stranger, error: unreachable },
    { host: locked, error: refused },
  ]
  assert.equal(await silentMembers('lab', { known: [await keeping(locked)], failures }, pool), [])
})

test('without a control plane that answers nobody is known to be a member', async () => {
  const failures = [{ host: fakeHost('m1', ['master']), error: unreachable }]
  assert.equal(await silentMembers('lab', { known: [], failures }, pool), [])
})

test('the order is the wished one', () => {
  const [one, two, three] = [fakeHost('a'), fakeHost('b'), fakeHost('c')]
  const specs = [one, two, three].map(({ spec }) => spec)
  assert.equal(
    inOrder(specs, [three, one]).map(({ name }) => name),
    ['a', 'c'],
  )
})

test.run()
