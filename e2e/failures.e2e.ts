// time limit: 2400 s
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { localClusters } from '@sealer/infra-local'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { differences, type Snapshot, snapshotOf } from './support/host-snapshot.ts'
import { refusalOf } from './support/refusal.ts'
import { ended } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// What goes wrong ends with an error that says what to do, and hosts that were refused are as they were.

const test = suite('failures')
const lab = `f${process.pid}`
const [m1, n1, small] = [`${lab}-m1`, `${lab}-n1`, `${lab}-n2`]
const cluster = `${lab}x`
const password = 'correct horse'
const site = await Site.open()
const before = new Map<string, Snapshot>()
const home = join(site.home, 'user') // of the operator: no known hosts, no keys
const inside = {
  wrap: ['nsenter', `--net=/run/netns/sealer-${lab}`, '--'],
  env: { HOME: home, PASSWORD: password, WRONG: 'not the password' },
}
const addresses = new Map<string, string>()
let image = ''

test.before(async () => {
  image = await buildBase()
  await site.takeImages()
  using clusters = await localClusters({ home: site.home })
  await clusters.create({ cluster: lab, masters: 1, nodes: 1, memoryDisks: true, password })
  // A host whose disk has room for a system, and for no cluster.
  const { hosts } = await clusters.create({ cluster: lab, masters: 1, nodes: 2, diskBytes: 400 * 1024 ** 2, password })
  for (const { name, address } of hosts) addresses.set(name, address)
  for (const name of [m1, n1]) {
    await site.sealer('local', 'exec', name, '--', 'systemctl', 'is-system-running', '--wait')
    before.set(name, await snapshotOf(site, lab, name))
  }
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

const at = (name: string): string => addresses.get(name) ?? name
const on = (host: string, script: string) => site.sealer('local', 'exec', host, '--', 'sh', '-c', script)
const key = ['--pk', join(site.home, 'local/id_ed25519'), '--accept-new-host-keys']
const wish = (masters: string, nodes: string, login: readonly string[] = key) => [
  'run',
  image,
  ...['--name', cluster, '--masters', masters, ...(nodes === '' ? [] : ['--nodes', nodes])],
  ...[...login, '--yes', '--output', 'json'],
]

/** Runs what is to be refused. `where` matches the message of the problem. */
async function refused(args: readonly string[], codes: readonly string[], where: RegExp, exitCode = 1): Promise<void> {
  const refusal = refusalOf(await site.try(args, inside))
  assert.equal(
    codes.filter((code) => !refusal.all.some((one) => one.code === code)),
    [],
    JSON.stringify(refusal.error),
  )
  assert.ok(
    refusal.all.some(({ message }) => where.test(message)),
    `${where} in ${JSON.stringify(refusal.error)}`,
  )
  assert.is(refusal.exitCode, exitCode)
}

async function unchanged(): Promise<void> {
  for (const [name, was] of before) assert.equal(differences(was, await snapshotOf(site, lab, name)), {}, name)
  const clusters = JSON.parse(await site.sealer('ps', '--output', 'json'))
  assert.equal(clusters, [], 'no cluster is claimed')
}

test('wrong password', async () => {
  const login = ['--passwd-from', 'env:WRONG', '--accept-new-host-keys']
  await refused(wish(at(m1), at(n1), login), ['CHECKS_FAILED'], /refuses the login of root .*\(host-login\)/)
})

test('unreachable host', async () => {
  const nobody = at(m1).replace(/\d+$/, '250')
  await refused(wish(at(m1), nobody), ['CHECKS_FAILED'], /Cannot reach .*198\.18\.\d+\.250.*\(host-reachable\)/)
})

test('changed host key', async () => {
  const [, , ...rest] = wish(at(m1), at(n1))
  await site.try(['check', image, ...rest.filter((word) => word !== '--yes')], inside) // pins the key
  await on(n1, 'mkdir /run/keys && mv /etc/ssh/ssh_host_* /run/keys && ssh-keygen -A && systemctl restart ssh')
  try {
    await refused(wish(at(m1), at(n1)), ['CHECKS_FAILED'], /host key of .* has changed.*\(host-key\)/)
  } finally {
    await on(n1, 'rm /etc/ssh/ssh_host_* && mv /run/keys/* /etc/ssh && rmdir /run/keys && systemctl restart ssh')
  }
})

test('two hosts with one name', async () => {
  await on(n1, `hostname ${m1}`)
  try {
    await refused(wish(at(m1), at(n1)), ['CHECKS_FAILED'], /share the (host)?name/)
  } finally {
    await on(n1, `hostname ${n1}`)
  }
})

test('port 6443 taken', async () => {
  await on(m1, 'systemd-run --quiet --collect --unit taker systemd-socket-activate --listen 6443 cat; sleep 1')
  try {
    await refused(wish(at(m1), at(n1)), ['CHECKS_FAILED'], /port 6443 is taken by .*\(port-free\)/)
  } finally {
    await on(m1, 'systemctl stop taker')
  }
})

test('disk too small', async () => {
  await refused(wish(at(m1), at(small)), ['CHECKS_FAILED'], /too small: \d+ MB needed, \d+ MB free \(disk-space\)/)
})

test('all problems are told at once', async () => {
  await on(m1, 'systemd-run --quiet --collect --unit taker systemd-socket-activate --listen 6443 cat; sleep 1')
  try {
    const { error } = refusalOf(await site.try(wish(at(m1), at(small)), inside))
    assert.equal((error.problems ?? []).map(({ message }) => /\(([\w-]+)\)$/.exec(message)?.[1]).sort(), [
      'disk-space',
      'port-free',
    ])
  } finally {
    await on(m1, 'systemctl stop taker')
  }
})

test('a host whose platform the image lacks', async () => {
  const kubefile = await site.write(
    'arm/Kubefile',
    'FROM scratch\nLABEL cluster.alpha.sealer.io/cluster-runtime-type=kubernetes\nKUBEVERSION v1.34.4\nCOPY file file\n',
  )
  await site.write('arm/file', 'text')
  await site.sealer(
    'build',
    '--tag',
    'arm:v1',
    '--platform',
    'linux/arm64',
    '--file',
    kubefile,
    join(site.home, 'files/arm'),
  )
  const [, , ...rest] = wish(at(m1), at(n1))
  await refused(['run', 'arm:v1', ...rest], ['CHECKS_FAILED'], /linux\/amd64.*only linux\/arm64 \(host-platform\)/)
})

test('refused hosts are as they were', unchanged)

test('unknown Kubefile instruction', async () => {
  const kubefile = await site.write('wrong/Kubefile', `FROM ${image}\nCOPPY a b\n`)
  await refused(
    ['build', '--tag', 'wrong:v1', '--file', kubefile, '--output', 'json', join(site.home, 'files/wrong')],
    ['KUBEFILE_INVALID'],
    /Kubefile:2:1/,
  )
})

test('an image in a manifest that no registry has', async () => {
  const kubefile = await site.write(
    'ghost/Kubefile',
    `FROM ${image}\nCOPY manifests manifests\nAPP ghost local://ghost.yaml\nLAUNCH ghost\n`,
  )
  await site.write('ghost/manifests/imageList', '')
  await site.write('ghost/ghost.yaml', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'ghost' },
    spec: { containers: [{ name: 'ghost', image: '127.0.0.1:1/no/such:v1' }] },
  })
  await refused(
    ['build', '--tag', 'ghost:v1', '--file', kubefile, '--output', 'json', join(site.home, 'files/ghost')],
    ['CONTAINER_IMAGE_UNAVAILABLE'],
    /127\.0\.0\.1:1\/no\/such:v1 is needed \(.*ghost\.yaml.*\)/,
  )
  assert.not.match(await site.sealer('images'), 'ghost')
})

test('unknown Clusterfile field', async () => {
  const file = await site.write('Clusterfile', {
    apiVersion: 'sealer.io/v1',
    kind: 'Cluster',
    metadata: { name: cluster },
    spec: { image, hosst: [] },
  })
  await refused(
    ['apply', '--file', file, '--output', 'json'],
    ['CLUSTERFILE_INVALID', 'CLUSTERFILE_FIELD_UNKNOWN'],
    /unknown field "hosst"/,
    2,
  )
})

test('Ctrl-C in the middle of an install stops it cleanly', async () => {
  const { child, outcome } = await stoppedAt(/^init\b/, 'SIGINT')
  const refusal = refusalOf(await outcome)
  assert.is(refusal.exitCode, 130)
  assert.is(refusal.error.code, 'RUN_ABORTED')
  assert.is(child.signalCode, null)
})

test('killed in the middle of an install, and run again: it ends Ready', async () => {
  const { outcome } = await stoppedAt(/^join\b/, 'SIGKILL')
  assert.is((await outcome).code, -1)
  const { report } = await site.run(wish(at(m1), at(n1)).slice(0, -3), inside)
  assert.is(report.status.state, 'ready')
  assert.equal(
    report.status.nodes.map(({ ready }) => ready),
    [true, true],
  )
})

test('an app that does not become ready is reported with its reason', async () => {
  const command = 'kubectl create deployment ghost --image=sealer.example/no/such:v1'
  await refused(
    [...wish(at(m1), at(n1)), '--cmds', command, '--timeout', '40'],
    ['STEP_FAILED', 'NOT_READY'],
    /ghost.*(ErrImagePull|ImagePullBackOff)/s,
  )
  const pods = await site.try(['kubectl', '--cluster', cluster, 'get', 'pods', '--selector', 'app=ghost'], inside)
  assert.match(pods.stdout, /^ghost-/m)
})

test('after all that, delete leaves the hosts as they were', async () => {
  const { code, stderr } = await site.try(['delete', cluster, '--yes'], inside)
  assert.is(code, 0, stderr)
  await unchanged()
})

/** Starts an install and sends a signal when a step begins whose id matches. */
async function stoppedAt(
  step: RegExp,
  signal: NodeJS.Signals,
): Promise<{ child: ChildProcess; outcome: ReturnType<typeof ended> }> {
  const child = site.start(wish(at(m1), at(n1)), inside)
  const outcome = ended(child)
  let seen = ''
  await new Promise<void>((begun, failed) => {
    child.stdout?.on('data', (text: string) => {
      seen += text
      const begins = seen
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
        .some((event) => event.type === 'step-started' && step.test(event.step))
      if (begins) begun()
    })
    child.once('close', () => failed(new Error(`ended before ${step}:\n${seen.slice(-2000)}`)))
  })
  child.kill(signal)
  return { child, outcome }
}

test.run()
