// time limit: 1500 s
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { localClusters } from '@sealer/infra-local'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { differences, snapshotOf } from './support/host-snapshot.ts'
import { inNetwork } from './support/pods.ts'
import { succeeded, tool } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// A vendor's runtime from a tarball, and a vendor's program around the core, on the same two hosts.

const test = suite('custom plugin')
const lab = `p${process.pid}`
const cluster = `${lab}x`
const names = [`${lab}-m1`, `${lab}-n1`]
const password = 'of the site'
const root = join(import.meta.dirname, '..')
const example = join(root, 'examples/custom-plugin')
const site = await Site.open()
const network = ['nsenter', `--net=/run/netns/sealer-${lab}`, '--']
let addresses: readonly string[] = []

test.before(async () => {
  using clusters = await localClusters({ home: site.home })
  const { hosts } = await clusters.create({ cluster: lab, masters: 1, nodes: 1, memoryDisks: true, password })
  addresses = hosts.map(({ address }) => address)
  for (const name of names) await site.sealer('local', 'exec', name, '--', 'systemctl', 'is-system-running', '--wait')
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

test('the example passes the contract suite', async () => {
  const folder = join(site.home, 'example')
  await cp(example, folder, { recursive: true })
  await mkdir(join(folder, 'node_modules/@sealer'), { recursive: true })
  await symlink(join(root, 'packages/core'), join(folder, 'node_modules/@sealer/core'))
  assert.match(
    await tool(process.execPath, '--test', '--test-reporter=tap', join(folder, 'plugin.test.js')),
    /^# fail 0$/m,
  )
})

test('packed, installed into the site, its runtime makes a cluster of real hosts, and takes it off again', async () => {
  const [{ filename }] = JSON.parse(await tool('npm', 'pack', example, '--json', '--pack-destination', site.home))
  await site.sealer('plugin', 'install', '--offline', join(site.home, filename))
  assert.match(await site.sealer('plugin', 'list'), 'sealer-runtime-beacon')
  await site.sealer('build', '--no-lock', '--tag', 'beacon:v1', join(example, 'image'))

  const before = await Promise.all(names.map((name) => snapshotOf(site, lab, name)))
  const [master = '', node = ''] = addresses
  const login = ['--pk', join(site.home, 'local/id_ed25519'), '--accept-new-host-keys']
  const hosts = ['--name', cluster, '--masters', master, '--nodes', node]
  const wish = ['run', 'beacon:v1', '--plugin', 'sealer-runtime-beacon', ...hosts, ...login]
  const { report } = await site.run(wish, { wrap: network })
  assert.is(report.status.state, 'ready')
  for (const address of addresses) {
    const answer = await inNetwork(lab, 'bash', '-c', `exec 3<>/dev/tcp/${address}/8088 && timeout 20 head -1 <&3`)
    assert.is(answer, `beacon of ${cluster}\n`)
  }
  const greeting = await site.sealer('local', 'exec', names[1] ?? '', '--', 'bash', '--login', '-c', ':')
  assert.is(greeting, `This host belongs to ${cluster}.\n`, 'what the hook has added')
  assert.equal((await site.run(wish, { wrap: network })).report.steps, [])

  const removal = ['delete', cluster, '--plugin', 'sealer-runtime-beacon', '--yes']
  succeeded('sealer delete', await site.try(removal, { wrap: network }))
  for (const [index, name] of names.entries()) {
    assert.equal(differences(before[index] ?? {}, await snapshotOf(site, lab, name)), {}, name)
  }
})

test('a program that embeds the core makes a cluster with its own logger, secrets and plugins', async () => {
  const image = await buildBase()
  const folder = join(site.home, 'vendor')
  await mkdir(join(folder, 'site'), { recursive: true })
  await site.takeImages(join(folder, 'site'))
  const program = `cd "$1" && SITE_PASSWORD="$5" exec "$6" "$2" "$3" vendor "$4"`
  const embed = join(root, 'examples/embed/embed.mjs')
  const [master = ''] = addresses
  const output = await inNetwork(
    lab,
    'sh',
    '-c',
    program,
    'sh',
    folder,
    embed,
    image,
    master,
    password,
    process.execPath,
  )
  assert.match(output, /^\d+ steps$/m)
  assert.match(output, /^ready$/m)
})

test.run()
