// time limit: 3600 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { machineTraces, noTraces } from './support/machine-traces.ts'
import { podsOf } from './support/pods.ts'
import { Site } from './support/site.ts'

// Every Kubernetes that images/kubernetes offers makes a cluster; 1.34 does in all other tests.

const test = suite('versions')
const site = await Site.open()
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

for (const version of ['1.33', '1.35']) {
  test(`Kubernetes ${version} on one host`, async () => {
    const cluster = `v${version.replace('.', '')}-${process.pid}`
    const image = await buildBase(version)
    await site.takeImages()
    const file = await site.localClusterfile(cluster, { image, masters: 1, nodes: 0 })
    const { report } = await site.run(['run', '--file', file])
    assert.is(report.status.state, 'ready')
    assert.match(report.status.version ?? '', `v${version}.`)
    const pods = await podsOf(site, cluster)
    const waiting = pods.filter(({ status }) => status.phase !== 'Running').map(({ metadata }) => metadata.name)
    assert.equal(waiting, [])
    assert.ok(pods.some(({ metadata }) => metadata.name.startsWith('coredns-')))
    assert.equal((await site.run(['run', '--file', file])).report.steps, [])
    await site.sealer('delete', cluster, '--yes')
    assert.equal(await machineTraces(cluster), noTraces)
  })
}

test.run()
