// time limit: 1200 s
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlatformImage } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { blobPath, tagPath, writeOldArchive } from '../packages/core/src/old-images/old-images.test.support.ts'
import { buildBase } from './support/cluster-images.ts'
import { eventually } from './support/eventually.ts'
import { podsOf } from './support/pods.ts'
import { Site } from './support/site.ts'

// App images of sealer 0.9 to 0.11 on a base of ours, merged and launched on real hosts that have no way out.

const test = suite('old images on hosts')
const cluster = `o${process.pid}`
const hosts = [`${cluster}-m1`, `${cluster}-n1`]
const site = await Site.open()
const genuine = join(import.meta.dirname, '../packages/core/src/old-images/testdata/appimage/image.oci.tar')

test.after(async () => {
  await site[Symbol.asyncDispose]()
})

const onHost = (host: string, ...command: readonly string[]) => site.sealer('local', 'exec', host, '--', ...command)
const rootfs = `/var/lib/sealer/clusters/${cluster}/rootfs`

/**
 * An image in the form of 0.9.0, with a program that runs: the pause image of the base, stored as `old.example/infra/pause:1`. Only its manifest
 * tells that name; there is no list.
 */
async function archiveOf090(base: string): Promise<string> {
  const { platforms } = JSON.parse(await site.sealer('inspect', base)) as { platforms: readonly PlatformImage[] }
  const pause = platforms[0]?.images.find(({ reference }) => reference.startsWith('registry.k8s.io/pause:'))
  assert.ok(pause)
  const files: Record<string, Buffer | string> = { [tagPath('infra/pause:1')]: pause.digest }
  for (const { digest } of pause.blobs)
    files[blobPath(digest)] = await readFile(join(site.home, 'store/blobs/sha256', digest.slice('sha256:'.length)))
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'keep' },
    spec: {
      selector: { matchLabels: { app: 'keep' } },
      template: {
        metadata: { labels: { app: 'keep' } },
        spec: { containers: [{ name: 'keep', image: 'old.example/infra/pause:1' }] },
      },
    },
  }
  return await writeOldArchive(site.home, {
    name: 'example.test/demo/keep:v1',
    extension: {
      type: 'app-installer',
      applications: [{ name: 'keep', type: 'kube', launchfiles: ['deploy/keep.yaml'] }],
      launch: { app_names: ['keep'] },
    },
    layers: [{ 'application/apps/keep/keep.yaml': JSON.stringify(deployment, undefined, 2) }, files],
  })
}

test('a base and two old app images become a cluster: scripts, APPCMDS and manifests are launched, pods run', async () => {
  const base = await buildBase()
  await site.takeImages()
  await site.sealer('load', genuine)
  await site.sealer('load', await archiveOf090(base))
  const images = [base, 'example.test/demo/appimage:v1', 'example.test/demo/keep:v1']
  await site.sealer('merge', ...images, '-t', 'old-apps:v1')

  const clusterfile = await site.localClusterfile(cluster, { image: 'old-apps:v1', masters: 1, nodes: 1 })
  const { events, report } = await site.run(['run', '--file', clusterfile, '--apps', 'ops,mix,keep'])
  assert.is(report.status.state, 'ready')
  const launched = events.flatMap((event) =>
    event.type === 'step-finished' && event.title.startsWith('Launch ') ? [event.title] : [],
  )
  for (const title of ['Launch ops (scripts)', 'Launch mix (commands)', 'Launch keep (manifests)'])
    assert.ok(launched.includes(title), `${title} among ${launched}`)
})

test('the pod of the old image runs, from the registry of the cluster and under the name of its manifest', async () => {
  const [pod] = await podsOf(site, cluster, '--selector', 'app=keep')
  assert.is(pod?.status.phase, 'Running')
  assert.is(pod?.status.containerStatuses?.[0]?.image, 'old.example/infra/pause:1')
})

test('images of the genuine old image are pulled by their own names, though no registry can be reached', async () => {
  await site.kubectl(cluster, 'apply', '-f', await site.write('pulls.json', { ...list, items: images.map(podOf) }))
  for (const image of images) {
    await eventually(`${image} is pulled`, 180, async () => {
      const events = await site.kubectl(
        cluster,
        'get',
        'events',
        '--field-selector',
        `involvedObject.name=${nameOf(image)}`,
      )
      if (!events.includes(`Successfully pulled image "${image}"`)) throw new Error(events)
      return true
    })
  }
})

const images = ['appimg:1.0', 'worker:1.0', 'listed:latest', 'chartapp:2.0'].map(
  (name) => `hub.example:5099/demo/${name}`,
)
const list = { apiVersion: 'v1', kind: 'List' }
const nameOf = (image: string) => image.replaceAll(/[^a-z0-9]/g, '-')

/** The images hold a text and no program, so the pod never runs; what counts is that they come. */
const podOf = (image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: nameOf(image) },
  spec: { containers: [{ name: 'pulls', image }] },
})

test('hosts have the files of the old images, and not their storage folders', async () => {
  for (const host of hosts) {
    await onHost(host, 'test', '-f', `${rootfs}/application/apps/mix/install.sh`)
    await onHost(host, 'test', '!', '-e', `${rootfs}/registry`)
  }
})

test.run()
