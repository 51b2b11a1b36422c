// time limit: 2700 s
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildDashboard } from './support/cluster-images.ts'
import { eventually } from './support/eventually.ts'
import { differences, type Snapshot, snapshotOf } from './support/host-snapshot.ts'
import { fetched } from './support/pods.ts'
import { Site } from './support/site.ts'

// Hosts that are given, reached by SSH from a machine of their network: a cluster comes and goes, and they are as they were.

const test = suite('remove')
const site = await Site.open()
let image = ''

test.before(async () => {
  image = await buildDashboard()
  await site.takeImages()
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

for (const [masters, nodes] of [
  [1, 2],
  [3, 3],
] as const) {
  const shape = `${masters}+${nodes}`
  const lab = `r${masters}${process.pid}`
  const cluster = `${lab}x`
  const inside = { wrap: ['nsenter', `--net=/run/netns/sealer-${lab}`, '--'] }
  const before = new Map<string, Snapshot>()
  let hosts: readonly { readonly name: string; readonly address: string }[] = []
  let wish: readonly string[] = []

  const asTheyWere = async () => {
    for (const { name } of hosts)
      assert.equal(differences(before.get(name) ?? {}, await snapshotOf(site, lab, name)), {}, name)
  }

  test(`${shape}: a run on given hosts takes the steps of its dry run, which changes nothing`, async () => {
    await site.sealer('local', 'create', lab, '--masters', `${masters}`, '--nodes', `${nodes}`, '--memory-disks')
    const all = JSON.parse(await site.sealer('local', 'list', '--output', 'json'))
    hosts = all.find(({ cluster: name }: { cluster: string }) => name === lab).hosts
    for (const { name } of hosts) {
      await site.sealer('local', 'exec', name, '--', 'systemctl', 'is-system-running', '--wait')
      before.set(name, await snapshotOf(site, lab, name))
    }
    const addresses = hosts.map(({ address }) => address)
    const roles = ['--masters', addresses.slice(0, masters).join(','), '--nodes', addresses.slice(masters).join(',')]
    const login = ['--pk', join(site.home, 'local/id_ed25519'), '--accept-new-host-keys']
    wish = ['run', image, '--name', cluster, ...roles, ...login]
    const plan = await site.plan(wish, inside)
    await asTheyWere()
    const { report } = await site.run(wish, inside)
    assert.equal([...report.steps].sort(), plan.steps.map(({ id }) => id).sort())
    assert.is(report.status.state, 'ready')
    assert.is(report.status.nodes.length, masters + nodes)
    for (const address of addresses) assert.match(await fetched(lab, `http://${address}:30080/healthz`), /ok/i)
  })

  test(`${shape}: run again, it has nothing to do`, async () => {
    assert.equal((await site.run(wish, inside)).report.steps, [])
  })

  if (masters > 1)
    test(`${shape}: with the first master off, a run leaves it alone and launches through another`, async () => {
      const [first] = hosts
      const further = [
        ...wish,
        '--cmds',
        'kubectl create configmap further --dry-run=client -o yaml | kubectl apply -f -',
      ]
      await site.sealer('local', 'kill', first?.name ?? '')
      const { code, stdout, stderr } = await site.try([...further, '--yes', '--output', 'json'], inside)
      assert.is(code, 0, stderr)
      assert.match(stderr, `${first?.name} does not answer: it is left as it is`)
      const [report] = stdout
        .split('\n')
        .flatMap((line) => (line.includes('"type":"report"') ? [JSON.parse(line)] : []))
      assert.equal(report.steps, ['launch/cmd-1'])
      assert.is(report.status.state, 'degraded')
      await site.sealer('local', 'start', first?.name ?? '')
      await eventually('the master is back', 300, async () =>
        (await site.try(['get', 'health', cluster], inside)).code === 0 ? true : undefined,
      )
      assert.equal((await site.run(further, inside)).report.steps, [])
    })

  test(`${shape}: after delete each host is as it was found`, async () => {
    const { code, stderr } = await site.try(['delete', cluster, '--yes'], inside)
    assert.is(code, 0, stderr)
    await asTheyWere()
    await site.sealer('local', 'delete', lab, '--yes')
  })
}

test.run()
