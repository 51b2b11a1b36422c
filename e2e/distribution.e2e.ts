// time limit: 1200 s
import { createInterface } from 'node:readline'
import type { RunEvent } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { tool } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// One master and two nodes: the operator sends everything once, hosts pass it on, and where they cannot the operator does.

const test = suite('distribution')
const image = await buildBase()

/** A cluster's hosts, made and bare. */
async function bareHosts(site: Site, cluster: string): Promise<Record<string, string>> {
  await site.sealer('local', 'create', cluster, '--masters', '1', '--nodes', '2', '--memory-disks')
  const [{ hosts }] = JSON.parse(await site.sealer('local', 'list', '--output', 'json'))
  return Object.fromEntries(hosts.map(({ name, address }: { name: string; address: string }) => [name, address]))
}

const inNetwork = (cluster: string, ...argv: readonly string[]) =>
  tool('nsenter', `--net=/run/netns/sealer-${cluster}`, '--', ...argv)

/** Bytes that the operator has sent: its connections leave from the bridge itself, what hosts send each other only passes it. */
async function sentByOperator(cluster: string): Promise<number> {
  const [link] = JSON.parse(await inNetwork(cluster, 'ip', '-json', '-statistics', 'link', 'show', 'br0'))
  return link.stats64.tx.bytes
}

/** Runs to the end and lets the caller see each event when it comes. */
async function watched(site: Site, args: readonly string[], see: (event: RunEvent) => Promise<void>) {
  const child = site.start([...args, '--yes', '--output', 'json'])
  const errors: Buffer[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const events: RunEvent[] = []
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    const event = JSON.parse(line) as RunEvent
    events.push(event)
    await see(event)
  }
  assert.is(await ended, 0, Buffer.concat(errors).toString())
  return events
}

const ready = async (site: Site, cluster: string): Promise<string> =>
  await site.kubectl(cluster, 'wait', 'node', '--all', '--for=condition=Ready', '--timeout=60s')

test("the operator's link carries the bundle once for three hosts", async () => {
  await using site = await Site.open()
  await site.takeImages()
  const cluster = `d${process.pid}`
  await bareHosts(site, cluster)
  const command = ['run', image, '--infra', 'local', '--masters', '1', '--nodes', '2', '--name', cluster]
  const { steps } = await site.plan(command)
  const bundle = steps.filter(({ host }) => host === `${cluster}-m1`).reduce((sum, { bytes = 0 }) => sum + bytes, 0)
  const before = await sentByOperator(cluster)
  await site.run(command)
  const ratio = ((await sentByOperator(cluster)) - before) / bundle
  console.log(`sent by the operator for 1+2 hosts: ${ratio.toFixed(3)} of the bundle for one (${bundle} bytes)`)
  assert.ok(ratio <= 1.2, `${ratio} of the bundle`)
  await ready(site, cluster)
})

test('a host that cannot reach its peer, and one whose peer falls silent in the middle of a blob, get the rest from the operator', async () => {
  await using site = await Site.open()
  await site.takeImages()
  const cluster = `e${process.pid}`
  const [master, silent, alone] = [`${cluster}-m1`, `${cluster}-n1`, `${cluster}-n2`]
  const addresses = await bareHosts(site, cluster)
  // A table for each: what a node's pods need it must get from the master as soon as its rootfs has arrived.
  const hinder = async (host: string, then: string) => {
    const frames = `ether type ip ip saddr ${addresses[master]} ip daddr ${addresses[host]} tcp sport 5000`
    await inNetwork(cluster, 'nft', `add table bridge ${host}`)
    await inNetwork(cluster, 'nft', `add chain bridge ${host} forward { type filter hook forward priority 0; }`)
    await inNetwork(cluster, 'nft', `add rule bridge ${host} forward ${frames} ${then}`)
  }
  await hinder(silent, 'quota over 40 mbytes drop')
  await hinder(alone, 'drop')

  const before = await sentByOperator(cluster)
  let sent = 0
  const events = await watched(
    site,
    ['run', image, '--infra', 'local', '--masters', '1', '--nodes', '2', '--name', cluster],
    async (event) => {
      if (event.type !== 'step-finished') return
      const host = [silent, alone].find((name) => event.step === `rootfs-blobs/${name}`)
      if (host === undefined) return
      sent = (await sentByOperator(cluster)) - before
      await inNetwork(cluster, 'nft', `delete table bridge ${host}`)
    },
  )
  const told = events.flatMap((event) => (event.type === 'step-said' ? [`${event.host} ${event.line}`] : []))
  for (const host of [silent, alone])
    assert.ok(
      told.some((line) => line.startsWith(`${host} `) && line.includes(`did not come from ${master}`)),
      told.join('\n'),
    )
  const bytesOf = (step: string) =>
    events.flatMap((event) => (event.type === 'step-started' && event.step === step ? [event.bytes ?? 0] : []))[0] ?? 0
  const rootfs = bytesOf(`rootfs-blobs/${alone}`)
  const everything = 3 * rootfs + bytesOf(`image-blobs/${master}`)
  // What had come from the peer before it fell silent was not sent again.
  assert.ok(sent < (everything - 30e6) * 1.05, `${sent} of ${everything}`)
  assert.ok(sent > 2 * rootfs)
  await ready(site, cluster)
})

test.run()
