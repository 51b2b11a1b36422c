import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KnownHost, Runtime } from '../runtime.ts'
import { type FakeHost, fakeHost } from '../testing/fake-host.ts'
import { wantedOn } from '../testing/wanted-on.ts'
import { checkHosts } from './check-hosts.ts'

const test = suite('host checks')

const runtime: Runtime = {
  name: 'test',
  delivery: 'hosts',
  ports: { master: [6443], node: [10250] },
  traces: ['/etc/kubernetes/kubelet.conf'],
  install: () => [],
  remove: () => [],
  status: async () => ({ state: 'absent', nodes: [] }),
}

interface Options {
  readonly runtime?: Runtime
  readonly needBytes?: ReadonlyMap<string, number>
}

async function problems(hosts: readonly FakeHost[], options: Options = {}) {
  return (await results(hosts, options)).filter(({ ok }) => !ok)
}

async function results(hosts: readonly FakeHost[], { needBytes = new Map(), ...options }: Options = {}) {
  const known = hosts.map(async (view): Promise<KnownHost> => ({ view, facts: await view.facts(), exists: true }))
  return await checkHosts({
    hosts: await Promise.all(known),
    failures: [],
    wanted: wantedOn(hosts),
    runtime,
    needBytes,
    ...options,
  })
}

test('bare hosts pass', async () => {
  const all = await results([fakeHost('m1', ['master']), fakeHost('n1')])
  assert.equal(
    all.filter(({ ok }) => !ok),
    [],
  )
  assert.ok(all.length > 8)
})

test('a host that could not be reached is a problem with the hint of its error', async () => {
  const host = fakeHost('n1').die()
  const error = await host.facts().then(
    () => new Error('it answered'),
    (reason: Error) => reason,
  )
  const checks = await checkHosts({
    hosts: [],
    failures: [{ host, error }],
    wanted: wantedOn([host]),
    runtime,
    needBytes: new Map(),
  })
  assert.is(checks[0]?.id, 'host-reachable')
  assert.match(checks[0]?.remedy ?? '', /runs sshd/)
})

test('a host that stops answering in between is a problem too', async () => {
  const host = fakeHost('n1')
  const known = { view: host, facts: await host.facts(), exists: true }
  host.die()
  const checks = await checkHosts({
    hosts: [known],
    failures: [],
    wanted: wantedOn([host]),
    runtime,
    needBytes: new Map(),
  })
  assert.is(checks.find(({ ok }) => !ok)?.id, 'host-reachable')
})

test('a taken port is told with who holds it', async () => {
  const host = fakeHost('m1', ['master'], { facts: { listening: [22, 6443] } })
  host.answer('sport = :6443', 'LISTEN 0 4096 *:6443 *:* users:(("nginx",pid=812,fd=3))\n')
  const [problem, ...more] = await problems([host])
  assert.is(problem?.id, 'port-free')
  assert.match(problem?.message ?? '', /6443 is taken by nginx \(process 812\)/)
  assert.is(more.length, 0)
})

test('the port of the registry matters on masters only', async () => {
  const facts = { listening: [5000] }
  const found = await problems([fakeHost('m1', ['master'], { facts }), fakeHost('n1', ['node'], { facts })])
  assert.equal(
    found.map(({ id, host }) => `${id} ${host}`),
    ['port-free m1'],
  )
})

test('what this very cluster has left is no problem', async () => {
  const host = fakeHost('m1', ['master'], { facts: { listening: [6443] } })
  host.files.set('/var/lib/sealer/clusters/test/cluster.json', '{}').set('/etc/kubernetes/kubelet.conf', '')
  host.answer('/var/lib/sealer/clusters', 'test\n')
  assert.equal(await problems([host]), [])
})

test('traces of another installation are named', async () => {
  const host = fakeHost('n1')
  host.files.set('/etc/kubernetes/kubelet.conf', '')
  const [problem] = await problems([host])
  assert.is(problem?.id, 'host-leftovers')
  assert.match(problem?.message ?? '', '/etc/kubernetes/kubelet.conf')
})

test('a host of another cluster is refused by that name', async () => {
  const [problem] = await problems([fakeHost('n1').answer('/var/lib/sealer/clusters', 'lab\n')])
  assert.match(problem?.message ?? '', /belongs to the cluster lab/)
})

test('the disk must hold what is to come, unpacked', async () => {
  const host = fakeHost('n1', ['node'], { facts: { diskFreeBytes: 1024 ** 3 } })
  const [problem] = await problems([host], { needBytes: new Map([['n1', 400 * 1024 ** 2]]) })
  assert.is(problem?.id, 'disk-space')
  assert.match(problem?.message ?? '', /1712 MB needed, 1024 MB free/)
})

test('swap is a problem where the runtime does not start with it, else a warning', async () => {
  const host = fakeHost('n1', ['node'], { facts: { swap: true } })
  const [problem] = await problems([host], { runtime: { ...runtime, needsSwapOff: true } })
  assert.match(problem?.remedy ?? '', /swapoff -a/)
  const warning = (await results([host])).find(({ id }) => id === 'swap-off')
  assert.ok(warning?.ok && warning.remedy !== undefined)
})

test('a host without systemd or without root is refused', async () => {
  const host = fakeHost('n1').answer('id -u', '1000\n')
  host.files.set('/proc/1/comm', 'init\n')
  assert.equal(
    (await problems([host])).map(({ id }) => id),
    ['host-root', 'host-systemd'],
  )
})

test('one clock that differs is found by the others', async () => {
  const hosts = [0, 50_000, 1_000].map((clockSkewMs, index) =>
    fakeHost(`n${index}`, ['node'], { facts: { clockSkewMs } }),
  )
  const [problem, ...more] = await problems(hosts)
  assert.match(`${problem?.host} ${problem?.message}`, /n1 its clock is 49 s ahead of/)
  assert.is(more.length, 0)
})

test('two hosts with one name are refused', async () => {
  const twins = ['10.0.0.1', '10.0.0.2'].map((address) => fakeHost('web', ['node'], { address }))
  const [problem, ...more] = await problems(twins)
  assert.match(problem?.message ?? '', /10.0.0.1, 10.0.0.2 share the name web/)
  assert.is(more.length, 0)
})

test('copies of one disk are a warning', async () => {
  const facts = { machineId: 'aa' }
  const all = await results([fakeHost('n1', ['node'], { facts }), fakeHost('n2', ['node'], { facts })])
  const warning = all.find(({ id }) => id === 'unique-machine-id')
  assert.ok(warning?.ok)
  assert.match(warning?.message ?? '', /n1, n2 share the machine id aa/)
})

test('all problems come at once', async () => {
  const facts = { swap: true, listening: [10250] }
  const host = fakeHost('n1', ['node'], { facts }).answer('id -u', '1000')
  const found = await problems([host, fakeHost('n2', ['node'], { facts })], {
    runtime: { ...runtime, needsSwapOff: true },
  })
  assert.is(found.length, 5)
})

test('a host that does not exist yet is judged by what it will be', async () => {
  const view = fakeHost('n1').die()
  const facts = await fakeHost('n1', ['node'], { facts: { diskFreeBytes: 0 } }).facts()
  const checks = await checkHosts({
    hosts: [{ view, facts, exists: false }],
    failures: [],
    wanted: wantedOn([view]),
    runtime,
    needBytes: new Map([['n1', 1]]),
  })
  assert.equal(
    checks.filter(({ ok }) => !ok).map(({ id }) => id),
    ['disk-space'],
  )
})

test.run()
