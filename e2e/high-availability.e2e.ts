// time limit: 2400 s
import { setTimeout } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildDashboard } from './support/cluster-images.ts'
import { eventually } from './support/eventually.ts'
import { fetched, podsOf, probes } from './support/pods.ts'
import { Site } from './support/site.ts'

// Three masters, three nodes: no host is special, the first master may die like any other.

const test = suite('high availability')
const cluster = `a${process.pid}`
const [first = '', ...others] = [1, 2, 3].map((index) => `${cluster}-m${index}`)
const nodes = [1, 2, 3].map((index) => `${cluster}-n${index}`)
const site = await Site.open()
let file = ''

test.after(async () => {
  await site[Symbol.asyncDispose]()
})

interface Node {
  readonly metadata: { readonly name: string }
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] }
}

/** Which nodes are Ready, as the cluster's own kubectl says. */
async function readyNodes(): Promise<readonly string[]> {
  const { items } = await site.kubectlJson<{ items: readonly Node[] }>(cluster, 'get', 'nodes', '--request-timeout=20s')
  return items
    .filter(({ status }) => status.conditions.some(({ type, status: now }) => type === 'Ready' && now === 'True'))
    .map(({ metadata }) => metadata.name)
    .sort()
}

test('three masters and three nodes come up, and a second run has nothing to do', async () => {
  const image = await buildDashboard()
  await site.takeImages()
  file = await site.localClusterfile(cluster, { image, masters: 3, nodes: 3 })
  const plan = await site.plan(['run', '--file', file])
  const { report } = await site.run(['run', '--file', file])
  assert.equal([...report.steps].sort(), plan.steps.map(({ id }) => id).sort())
  assert.equal(await readyNodes(), [first, ...others, ...nodes].sort())
  assert.equal((await site.run(['apply', '--file', file])).report.steps, [])
})

test('the dashboard answers through every node', async () => {
  const [{ hosts }] = JSON.parse(await site.sealer('local', 'list', '--output', 'json'))
  assert.is(hosts.length, 6)
  for (const { address } of hosts) assert.match(await fetched(cluster, `http://${address}:30080/healthz`), /ok/i)
})

test('with the first master off, nodes stay Ready and kubectl goes on', async () => {
  await site.sealer('local', 'kill', first)
  // Longer than the 40 s (plus the time to notice) after which a node that cannot report would be NotReady.
  const until = Date.now() + 90_000
  while (Date.now() < until) {
    const ready = await eventually('an answer', 60, readyNodes)
    assert.equal(
      nodes.filter((name) => !ready.includes(name)),
      [],
      'nodes that are not Ready',
    )
    await setTimeout(2000)
  }
  await eventually('the dead master is seen as such', 180, async () =>
    (await readyNodes()).includes(first) ? undefined : true,
  )
})

test('with the first master off, a node pulls an image that it did not have', async () => {
  const image = 'sealer.example/dashboard/web:1.0'
  const ctr = `/var/lib/sealer/clusters/${cluster}/rootfs/bin/ctr`
  const having = new Set((await podsOf(site, cluster, '--selector', 'app=web')).map(({ spec }) => spec.nodeName))
  const without = nodes.find((name) => !having.has(name)) ?? ''
  const images = () =>
    site.sealer('local', 'exec', without, '--', ctr, '--namespace', 'k8s.io', 'images', 'ls', '--quiet')
  assert.not.match(await images(), image)
  await site.kubectl(cluster, 'apply', '-f', await site.write('probes.json', probes(image)))
  await eventually('a probe runs there', 240, async () => {
    const pods = await podsOf(site, cluster, '--selector', 'app=probe')
    return pods.some(({ spec, status }) => spec.nodeName === without && status.phase === 'Running') ? true : undefined
  })
  assert.match(await images(), image)
})

test('started again, all of it is healthy', async () => {
  // Where other hosts of this machine use up its inotify instances, a start is refused until some are free.
  await eventually('the host starts', 300, () => site.sealer('local', 'start', first))
  await eventually('all nodes are Ready', 300, async () => ((await readyNodes()).length === 6 ? true : undefined))
  const health = await eventually('the cluster is ready', 180, async () => {
    const { code, stdout } = await site.try(['get', 'health', cluster, '--output', 'json'])
    return code === 0 ? JSON.parse(stdout) : undefined
  })
  assert.match(JSON.stringify(health), '"ready"')
  await eventually('etcd of the first master runs', 180, async () => {
    const pods = await podsOf(site, cluster, '--namespace', 'kube-system', '--selector', 'component=etcd')
    return pods.filter(({ status }) => status.phase === 'Running').length === 3 ? true : undefined
  })
  assert.equal((await site.run(['apply', '--file', file])).report.steps, [])
})

test.run()
