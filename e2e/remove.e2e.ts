// time limit: 1500 s
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildDashboard } from './support/cluster-images.ts'
import { differences, type Snapshot, snapshotOf } from './support/host-snapshot.ts'
import { fetched } from './support/pods.ts'
import { Site } from './support/site.ts'

// Hosts that are given, reached by SSH from a machine of their network: a cluster comes and goes, and they are as they were.

const test = suite('remove')
const lab = `r${process.pid}`
const cluster = `${lab}x`
const names = [`${lab}-m1`, `${lab}-n1`, `${lab}-n2`]
const inside = { wrap: ['nsenter', `--net=/run/netns/sealer-${lab}`, '--'] }
const site = await Site.open()
const before = new Map<string, Snapshot>()
let addresses: readonly string[] = []
let wish: readonly string[] = []

test.before(async () => {
  const image = await buildDashboard()
  await site.takeImages()
  await site.sealer('local', 'create', lab, '--masters', '1', '--nodes', '2', '--memory-disks')
  const [{ hosts }] = JSON.parse(await site.sealer('local', 'list', '--output', 'json'))
  addresses = hosts.map(({ address }: { address: string }) => address)
  const [master = '', ...nodes] = addresses
  const login = ['--pk', join(site.home, 'local/id_ed25519'), '--accept-new-host-keys']
  wish = ['run', image, '--name', cluster, '--masters', master, '--nodes', nodes.join(','), ...login]
  for (const name of names) await site.sealer('local', 'exec', name, '--', 'systemctl', 'is-system-running', '--wait')
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

test('a run on given hosts takes the steps of its dry run, which changes nothing', async () => {
  for (const name of names) before.set(name, await snapshotOf(site, lab, name))
  const plan = await site.plan(wish, inside)
  for (const name of names)
    assert.equal(differences(before.get(name) ?? {}, await snapshotOf(site, lab, name)), {}, name)
  const { report } = await site.run(wish, inside)
  assert.equal([...report.steps].sort(), plan.steps.map(({ id }) => id).sort())
  assert.is(report.status.state, 'ready')
  assert.is(report.status.nodes.length, 3)
  for (const address of addresses) assert.match(await fetched(lab, `http://${address}:30080/healthz`), /ok/i)
})

test('run again, it has nothing to do', async () => {
  assert.equal((await site.run(wish, inside)).report.steps, [])
})

test('after delete each host is as it was found', async () => {
  const { code, stderr } = await site.try(['delete', cluster, '--yes'], inside)
  assert.is(code, 0, stderr)
  for (const name of names)
    assert.equal(differences(before.get(name) ?? {}, await snapshotOf(site, lab, name)), {}, name)
})

test.run()
