// time limit: 2400 s
import { join } from 'node:path'
import type { BuildReport } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { eventually } from './support/eventually.ts'
import { type Hubs, operatorContext, startHubs } from './support/operator.ts'
import { hasRegistry } from './support/registry.ts'
import { type Outcome, succeeded } from './support/run-tool.ts'
import { Site } from './support/site.ts'

/** An operator starts pods with images that stand in no manifest: found by making a cluster of the image, on real local hosts. */
const test = suite('observed build')
const settle = ['--observe-settle', '15']
const site = await Site.open()
let hubs: Hubs
let base = ''
let digest = ''

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry and skopeo: node scripts/setup.mjs --tests')
  hubs = await startHubs()
  base = await buildBase()
  await site.takeImages()
  await hubs.prepare(site.home)
  const { host, user, password } = hubs.login
  succeeded('sealer login', await site.try(['login', host, '-u', user, '--password-stdin'], { input: password }))
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
  await hubs?.[Symbol.asyncDispose]()
})

/** Builds the operator's app image. */
async function build(tag: string, flags: readonly string[], options: { capricious?: boolean } = {}): Promise<Outcome> {
  const context = await operatorContext(join(site.home, tag.replace(':', '-')), options)
  return await site.try(['build', '-t', tag, '--build-arg', `BASE=${base}`, ...flags, '--output', 'json', context])
}

const reportOf = (outcome: Outcome): BuildReport => JSON.parse(succeeded('sealer build', outcome))
const throwAways = async () =>
  JSON.parse(await site.sealer('local', 'list', '--output', 'json')).map(({ cluster }: { cluster: string }) => cluster)

test('reading alone finds the operator, and nothing that it makes', async () => {
  const report = reportOf(await build('operator:read', []))
  assert.ok(report.images.includes(hubs.images.operator))
  assert.not.ok(report.images.includes(hubs.images.worker))
  assert.not.ok(report.images.includes(hubs.images.once))
  assert.is(report.observed, undefined)
})

test('observed, what a cluster asks for is carried, by the digest that it was served; a second cluster needs no registry', async () => {
  const outcome = await build('operator:v1', ['--observe', ...settle])
  const report = reportOf(outcome)
  assert.equal(
    report.observed?.map(({ reference, reasons }) => [reference, ...reasons]),
    [
      [hubs.images.worker, 'observed: Deployment shop/worker'],
      [hubs.images.once, 'observed: Pod shop/once'],
    ],
  )
  assert.match(outcome.stderr, 'a second cluster without any registry came up')
  assert.equal(await throwAways(), [])
  assert.equal(JSON.parse(await site.sealer('ps', '--output', 'json')), [])
  const names = JSON.parse(await site.sealer('images', '--output', 'json')).map(
    ({ reference }: { reference: string }) => reference,
  )
  assert.equal(
    names.filter((name: string) => name.includes('observe')),
    [],
  )
  digest = report.digest
})

test('observed images are pinned as others are, and the same digest comes out of the same build', async () => {
  const again = reportOf(await build('operator:v1', ['--observe', ...settle, '--locked']))
  assert.is(again.digest, digest)
})

test('the image makes a cluster where no registry is to be had', async () => {
  await using elsewhere = await Site.open()
  const file = join(site.home, 'operator.tar')
  await site.sealer('save', 'operator:v1', '-o', file)
  await elsewhere.sealer('load', '-i', file)
  const before = hubs.asked.length
  const cluster = `o${process.pid}`
  await elsewhere.run(['run', 'operator:v1', '--infra', 'local', '--masters', '1', '--name', cluster])
  await eventually('the operator’s pods', 120, async () => {
    const pods = await elsewhere.kubectl(cluster, 'get', 'pods', '-n', 'shop', '--no-headers')
    assert.match(pods, /^once +0\/1 +Completed/m)
    assert.match(pods, /^worker-\S+ +1\/1 +Running/m)
    return true
  })
  assert.is(hubs.asked.length, before)
})

test('an image that is asked for only in the second cluster is named, and nothing is built', async () => {
  const { code, stderr } = await build('operator:moody', ['--observe', ...settle], { capricious: true })
  assert.is(code, 1)
  assert.match(stderr, 'OBSERVE_INCOMPLETE', `It failed otherwise:\n${stderr}`)
  assert.match(stderr, /registry\.test:5000\/team\/once:at-\d+ \(asked for by Pod shop\/once\)/)
  assert.match((await site.try(['inspect', 'operator:moody'])).stderr, 'IMAGE_NOT_FOUND')
  assert.equal(await throwAways(), [])
})

test('what a killed build has left is removed by the next; one that is interrupted leaves nothing', async () => {
  const context = await operatorContext(join(site.home, 'killed'))
  const args = ['build', '-t', 'operator:killed', '--build-arg', `BASE=${base}`, '--observe', context]
  const made = async () => ((await throwAways()).length === 1 ? true : undefined)
  const killed = site.start(args)
  await eventually('hosts', 120, made)
  killed.kill('SIGKILL')
  await new Promise((ended) => killed.once('close', ended))
  assert.ok(await made())
  assert.is(JSON.parse(await site.sealer('ps', '--output', 'json')).length, 1)

  const interrupted = site.start(args)
  let said = ''
  interrupted.stderr?.on('data', (text) => {
    said += text
  })
  const told = /has left the cluster observe-[0-9a-f]+; it is removed[\s\S]*make the cluster/
  await eventually('what was left', 120, async () => (told.test(said) ? true : undefined))
  await eventually('hosts', 120, made)
  interrupted.kill('SIGINT')
  await new Promise((ended) => interrupted.once('close', ended))
  assert.equal(await throwAways(), [])
  assert.equal(JSON.parse(await site.sealer('ps', '--output', 'json')), [])
})

test.run()
