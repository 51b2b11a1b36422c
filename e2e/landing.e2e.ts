// landing, time limit: 1200 s
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { baseContext, buildDashboard } from './support/cluster-images.ts'
import { eventually } from './support/eventually.ts'
import { machineTraces, noTraces } from './support/machine-traces.ts'
import { fetched, inPod, podsOf, probes } from './support/pods.ts'
import { startRegistry } from './support/registry.ts'
import { tryTool } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// From a Kubefile to a cluster: built by one operator, run by another who has nothing but the registry.

const test = suite('landing')
const cluster = `l${process.pid}`
const hosts = [`${cluster}-m1`, `${cluster}-n1`]
const site = await Site.open()
let clusterfile = ''

test.after(async () => {
  await site[Symbol.asyncDispose]()
})

/** Addresses of the hosts, the master's first. */
async function addresses(): Promise<readonly string[]> {
  const [known] = JSON.parse(await site.sealer('local', 'list', '--output', 'json'))
  return known.hosts.map(({ address }: { address: string }) => address)
}

/** Pods on the dashboard's page. */
async function shownPods(address: string): Promise<readonly { readonly name: string; readonly good: boolean }[]> {
  return JSON.parse(await fetched(cluster, `http://${address}:30080/api/cluster`)).pods
}

test('an image is built, pushed, and pulled into an empty store with the digest it had', async () => {
  const dashboard = await buildDashboard()
  await using builder = await Site.open()
  await builder.takeImages()
  await using registry = await startRegistry()
  const name = `${registry.host}/apps/dashboard:v1`
  await builder.sealer('push', dashboard, name)
  await site.sealer('pull', name)
  const digest = async (at: Site, image: string) =>
    JSON.parse(await at.sealer('images', '--output', 'json')).find(
      (one: { reference: string }) => one.reference === image,
    )?.digest
  assert.match(await digest(site, name), /^sha256:/)
  assert.is(await digest(site, name), await digest(builder, dashboard))
  clusterfile = await site.localClusterfile(cluster, { image: name, masters: 1, nodes: 1 })
})

test('a run takes the steps of its dry run, and ends with a cluster that is ready', async () => {
  const plan = await site.plan(['run', '--file', clusterfile])
  assert.equal(await machineTraces(cluster), noTraces)
  const { events, report } = await site.run(['run', '--file', clusterfile])
  assert.equal([...report.steps].sort(), plan.steps.map(({ id }) => id).sort())
  const finished = events.flatMap((event) =>
    event.type === 'step-finished' ? [`${event.host ?? ''} ${event.title}`] : [],
  )
  assert.equal(finished.sort(), plan.steps.map(({ host, title }) => `${host ?? ''} ${title}`).sort())
  assert.is(report.status.state, 'ready')
  assert.equal(
    report.status.nodes.map(({ name, ready }) => `${name} ${ready}`).sort(),
    hosts.map((name) => `${name} true`),
  )
})

test('a second run has nothing to do', async () => {
  assert.equal((await site.plan(['apply', '--file', clusterfile])).steps, [])
  assert.equal((await site.run(['apply', '--file', clusterfile])).report.steps, [])
  assert.equal((await site.run(['run', '--file', clusterfile])).report.steps, [])
})

test('the dashboard answers by NodePort through every node, and shows both', async () => {
  for (const address of await addresses()) {
    const page = JSON.parse(await fetched(cluster, `http://${address}:30080/api/cluster`))
    assert.equal(
      page.nodes.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort(),
      hosts.map((name) => `${name} Ready`),
    )
    assert.ok(page.storeUp, 'the second tier answers')
  }
})

test('a deleted pod changes the page within 5 s', async () => {
  const [address = ''] = await addresses()
  const [victim] = await podsOf(site, cluster, '--selector', 'app.kubernetes.io/name=store')
  const name = victim?.metadata.name ?? ''
  const before = (await podsOf(site, cluster, '--selector', 'app=web'))[0]?.metadata.name ?? name
  assert.ok((await shownPods(address)).some((pod) => pod.name === before && pod.good))
  await site.kubectl(cluster, 'delete', 'pod', before, '--wait=false')
  await eventually('the page changes', 5, async () =>
    (await shownPods(address)).some((pod) => pod.name === before && pod.good) ? undefined : true,
  )
})

test('pods talk across hosts, by address and by name', async () => {
  await site.kubectl(cluster, 'apply', '-f', await site.write('probes.json', probes()))
  await site.kubectl(cluster, 'rollout', 'status', 'daemonset/probe', '--timeout=180s')
  const pods = await podsOf(site, cluster, '--selector', 'app=probe')
  assert.equal(pods.map(({ spec }) => spec.nodeName).sort(), hosts)
  for (const from of pods) {
    for (const to of pods) {
      const ask = `exec 3<>/dev/tcp/${to.status.podIP}/8080; printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3`
      assert.match(await inPod(site, cluster, from, ask), ' 200 ', `${from.spec.nodeName} → ${to.spec.nodeName}`)
    }
    for (const name of ['web', 'kubernetes.default.svc.cluster.local']) {
      assert.match(
        await inPod(site, cluster, from, `getent ahostsv4 ${name}`),
        /^10\.96\.\d+\.\d+ /,
        from.spec.nodeName,
      )
    }
  }
})

test('the images of all pods are those of their makers, digest by digest', async () => {
  const known = new Map(await imagesIn(join(await baseContext(), 'images')))
  for (const [name, digest] of await imagesIn(join(import.meta.dirname, '../examples/dashboard/build/images')))
    known.set(name, digest)
  const pods = await podsOf(site, cluster)
  for (const host of hosts) {
    const running = pods.flatMap(({ spec, status }) => (spec.nodeName === host ? (status.containerStatuses ?? []) : []))
    assert.ok(running.length > 3, host)
    for (const { image, imageID } of running)
      assert.is(imageID.split('@')[1], known.get(image) ?? 'a known image', `${image} on ${host}`)
  }
})

test('hosts have no way out', async () => {
  const { code, stderr } = await tryTool(
    'nsenter',
    `--net=/run/netns/sealer-${cluster}`,
    '--',
    'ip',
    'route',
    'get',
    '1.1.1.1',
  )
  assert.is.not(code, 0)
  assert.match(stderr, /unreachable/i)
  for (const host of hosts) {
    const connect = 'exec 3<>/dev/tcp/1.1.1.1/443'
    assert.is.not((await site.try(['local', 'exec', host, '--', 'timeout', '5', 'bash', '-c', connect])).code, 0, host)
  }
})

test('delete leaves nothing of the cluster on this machine', async () => {
  await site.sealer('delete', cluster, '--yes')
  assert.equal(await machineTraces(cluster), noTraces)
  assert.equal(JSON.parse(await site.sealer('ps', '--output', 'json')), [])
})

/** Names and digests of the images in an OCI layout. */
async function imagesIn(layout: string): Promise<[name: string, digest: string][]> {
  const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
  return manifests.map(({ digest, annotations }: { digest: string; annotations: Record<string, string> }) => [
    annotations['org.opencontainers.image.ref.name'] ?? '',
    digest,
  ])
}

test.run()
