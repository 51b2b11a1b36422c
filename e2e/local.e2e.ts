// landing, time limit: 400 s
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { createSecrets, silentLogger, systemClock } from '@sealer/core'
import { infraContract, rejection, wantedOn } from '@sealer/core/testing'
import { localClusters } from '@sealer/infra-local'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createHostPool } from '../packages/core/src/hosts/pool.ts'
import { LocalInfra } from '../packages/infra-local/src/infra.ts'

const test = suite('local hosts')
const home = mkdtempSync(join(tmpdir(), 'sealer-local-'))
const clusters = await localClusters({ home })
const id = `t${process.pid}`
const [a, b, c] = [`${id}a`, `${id}b`, `${id}c`]
const before = machine()
const patience = () => AbortSignal.timeout(10_000)

/** What local hosts must not change on this machine, and must not leave behind. */
function machine() {
  const run = (...[program = '', ...args]: string[]) => execFileSync(program, args, { encoding: 'utf8' })
  const ours = (lines: string) => lines.split('\n').filter((line) => line.includes(id))
  return {
    links: run('ip', '-br', 'link'),
    routes: run('ip', 'route'),
    sysctls: run(
      'sh',
      '-c',
      'sysctl -a 2>/dev/null | grep -E "ip_forward|bridge-nf|^kernel.panic|overcommit_memory|keys.root_max|oom"',
    ),
    namespaces: ours(run('ip', 'netns')),
    mounts: ours(run('cat', '/proc/self/mounts')),
    groups: ours(run('find', '/sys/fs/cgroup', '-type', 'd', '-name', `${id}*`)),
    claims: (existsSync('/run/sealer-local') ? readdirSync('/run/sealer-local') : []).filter((name) =>
      name.includes(id),
    ),
    processes: ours(run('ps', '-eo', 'args')).filter((line) => !line.includes('.e2e.ts')),
  }
}

/** Runs a shell command on a host, over SSH from inside the cluster's network. */
async function ssh(cluster: string, host: string, command: string): Promise<string> {
  const address = (await clusters.get(cluster)).hosts.find(({ name }) => name === host)?.address ?? ''
  const login = [
    '-i',
    clusters.privateKey,
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'LogLevel=ERROR',
    '-o',
    'ConnectTimeout=3',
    '-o',
    'BatchMode=yes',
  ]
  return await within(cluster, ['ssh', ...login, `root@${address}`, command])
}

/** What a program prints; `where` is a cluster or a host. */
async function within(where: string, argv: readonly string[]): Promise<string> {
  const child = await clusters.spawn(where, argv, 'pipe')
  const out: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out.push(text))
  const code = await new Promise((ended) => child.once('close', ended))
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${out.join('')}`)
  return out.join('').trim()
}

const stateOf = async (cluster: string) => (await clusters.get(cluster)).hosts.map(({ state }) => state).join(' ')
const heard = async (socket: Duplex) =>
  await new Promise<string>((first) => socket.once('data', (data: Buffer) => first(data.toString())))

const tidy = async () => {
  for (const cluster of [a, b, c]) await clusters.delete(cluster)
  clusters[Symbol.dispose]()
  rmSync(home, { recursive: true, force: true })
}
test.after(tidy)
process.once('SIGTERM', async () => {
  await tidy()
  process.exit(143)
})

test('hosts answer to the key alone', async () => {
  const started = performance.now()
  const made = await clusters.create({ cluster: a, masters: 1, nodes: 2 })
  console.log(`  1+2 hosts after ${Math.round(performance.now() - started)} ms`)
  assert.equal(
    made.hosts.map(({ name, role, state }) => `${name} ${role} ${state}`),
    [`${a}-m1 master running`, `${a}-n1 node running`, `${a}-n2 node running`],
  )
  assert.is(await ssh(a, `${a}-n1`, 'hostname; id -u'), `${a}-n1\n0`)
  assert.match(await ssh(a, `${a}-n1`, 'sshd -T'), /passwordauthentication no/)
  assert.is(statSync(clusters.privateKey).mode & 0o777, 0o600)
})

test('a host is bare, whole, and like a machine of its own', async () => {
  assert.match(await ssh(a, `${a}-m1`, 'systemctl is-system-running --wait'), 'running')
  assert.is(
    await ssh(a, `${a}-m1`, 'which containerd kubelet docker runc crictl; ls -A /opt /var/lib/containerd | wc -w'),
    '2',
  )
  const ids = await Promise.all(
    ['m1', 'n1'].map((name) => ssh(a, `${a}-${name}`, 'cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub')),
  )
  assert.is.not(ids[0], ids[1])
})

test('nothing leads out of the network of hosts', async () => {
  const tried =
    'timeout 2 bash -c "exec 3<>/dev/tcp/1.1.1.1/443" 2>/dev/null && echo out; ip route get 169.254.169.254 2>&1 | head -1'
  assert.match(await ssh(a, `${a}-n1`, tried), /^RTNETLINK answers: (No route to host|Host is unreachable)/)
  assert.is(
    await ssh(
      a,
      `${a}-n1`,
      `ping -c1 -W2 198.18.${(await clusters.get(a)).network.split('.')[2]}.11 >/dev/null && echo in`,
    ),
    'in',
  )
})

test('an inlet leads hosts to this process, until it is closed', async () => {
  const said: string[] = []
  const stop = new AbortController()
  const infra = new LocalInfra(clusters)
  const inlet = await infra.inlet(
    a,
    (connection) => {
      connection.on('data', (text: Buffer) => said.push(text.toString()))
      connection.write('come in')
    },
    stop.signal,
  )
  const knock = `timeout 5 bash -c "exec 3<>/dev/tcp/${inlet.address}/${inlet.port}; printf hello >&3; head -c 7 <&3"`
  for (const host of [`${a}-m1`, `${a}-n1`]) assert.is(await ssh(a, host, knock), 'come in')
  while (said.length < 2) await setTimeout(20)
  assert.equal(said, ['hello', 'hello'])
  await inlet[Symbol.asyncDispose]()
  assert.match((await rejection(ssh(a, `${a}-n1`, knock))).message, /ended with/)
  const unknown = infra.inlet('no-such-cluster', () => {}, stop.signal)
  assert.match((await rejection(unknown)).message, /no local cluster or host named/)
})

test('a connection is an ordinary socket of the network', async () => {
  const address = (await clusters.get(a)).hosts[0]?.address ?? ''
  const socket = await clusters.dial(address, 22, patience())
  assert.match(await heard(socket), /^SSH-2.0-/)
  socket.destroy()
  const refused = await rejection(clusters.dial(address, 1, patience()))
  assert.is((refused as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  const gone = await rejection(clusters.dial('198.18.251.9', 22, patience()))
  assert.match(gone.message, /no local cluster or host named "198.18.251.9"/)
})

test('programs run in the network of a cluster, and on a host', async () => {
  assert.match(await within(a, ['ip', '-br', 'addr', 'show', 'br0']), /198\.18\.\d+\.1\/24/)
  assert.is(await within(`${a}-n2`, ['sh', '-c', 'hostname; cat /proc/1/comm']), `${a}-n2\nsystemd`)
  assert.match((await rejection(within(`${a}-n2`, ['sh', '-c', 'exit 7']))).message, /ended with 7/)
})

test('a host that loses its power keeps its disk', async () => {
  await ssh(a, `${a}-n1`, 'echo kept >/root/mark; sync')
  await clusters.kill(`${a}-n1`)
  assert.is(await stateOf(a), 'running stopped running')
  await clusters.start(`${a}-n1`)
  assert.is(await ssh(a, `${a}-n1`, 'cat /root/mark'), 'kept')
})

test('a host can reboot itself, and stays off when it powers itself off', async () => {
  const bootOf = async () => await ssh(a, `${a}-n1`, 'stat -c %Y /proc/1; cut -d" " -f22 /proc/1/stat')
  const first = await bootOf()
  await ssh(a, `${a}-n1`, 'systemctl reboot').catch(() => {})
  const next = await eventually(async () => {
    const now = await bootOf()
    return now === first ? undefined : now
  })
  assert.is.not(next, first)
  await ssh(a, `${a}-n1`, 'systemctl poweroff').catch(() => {})
  await eventually(async () => ((await stateOf(a)) === 'running stopped running' ? true : undefined))
  await clusters.start(`${a}-n1`)
})

test('a host that is stopped has shut down cleanly', async () => {
  const ending =
    '[Unit]\nDefaultDependencies=yes\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/touch /root/ended\n'
  await ssh(a, `${a}-n2`, `printf '${ending}' >/etc/systemd/system/ending.service; systemctl start ending`)
  await clusters.stop(`${a}-n2`)
  await clusters.start(`${a}-n2`)
  assert.is(await ssh(a, `${a}-n2`, 'ls /root/ended'), '/root/ended')
})

test('a partitioned host runs on and reaches nobody', async () => {
  await clusters.partition(`${a}-n1`)
  assert.is(await stateOf(a), 'running partitioned running')
  const gateway = (await clusters.get(a)).network.replace('0/24', '1')
  assert.match((await rejection(within(`${a}-n1`, ['ping', '-c1', '-W1', gateway]))).message, /ended with 1/)
  await clusters.heal(`${a}-n1`)
  assert.is(await ssh(a, `${a}-n1`, 'echo back'), 'back')
})

test('two hosts that are split still reach the others', async () => {
  const [m1 = '', , n2 = ''] = (await clusters.get(a)).hosts.map(({ address }) => address)
  await clusters.split(a, [[`${a}-m1`, `${a}-n1`]])
  await rejection(within(`${a}-n1`, ['ping', '-c1', '-W1', m1]))
  await within(`${a}-n1`, ['ping', '-c1', '-W1', n2])
  await clusters.split(a, [])
  await within(`${a}-n1`, ['ping', '-c1', '-W1', m1])
})

test('an exposed port leads to the first host that answers, and outlives its relay', async () => {
  await clusters.expose(a, { local: 39_022, port: 22 })
  const greets = async () => {
    const socket = connect(39_022, '127.0.0.1')
    const words = await Promise.race([
      heard(socket),
      new Promise<string>((_, fail) => socket.once('error', fail).once('close', fail)),
    ])
    socket.destroy()
    return words
  }
  assert.match(await greets(), /^SSH/)
  const relay = Number(/"pid":(\d+)/.exec(readFileSync(join(home, 'local', a, 'relay.json'), 'utf8'))?.[1])
  process.kill(Number(readFileSync(`/proc/${relay}/task/${relay}/children`, 'utf8').trim()), 'SIGKILL')
  await clusters.kill(`${a}-m1`)
  assert.match(await eventually(greets), /^SSH/)
  await clusters.start(`${a}-m1`)
  const taken = await rejection(clusters.expose(a, { local: 39_022, port: 80, host: 'nobody' }))
  assert.match(taken.message, /named "nobody"/)
  await clusters.unexpose(a, 39_022)
  await eventually(async () => (await rejection(greets())).message !== undefined)
})

test('clusters live side by side; a name belongs to one home', async () => {
  const made = await clusters.create({ cluster: b, masters: 1, nodes: 0, memoryDisks: true, password: 'pass word' })
  assert.is.not(made.network, (await clusters.get(a)).network)
  assert.match(await ssh(b, `${b}-m1`, 'sshd -T'), /passwordauthentication yes/)
  assert.is(await ssh(b, `${b}-m1`, 'stat -f -c %T /var/lib/containerd'), 'tmpfs')
  const otherHome = mkdtempSync(join(tmpdir(), 'sealer-other-'))
  using others = await localClusters({ home: otherHome })
  assert.equal(await others.list(), [])
  assert.match((await rejection(others.create({ cluster: b, masters: 1, nodes: 0 }))).message, home)
  assert.match((await rejection(others.delete(b))).message, home)
  rmSync(otherHome, { recursive: true })
})

test('a host’s disk can be limited', async () => {
  await clusters.create({ cluster: b, masters: 1, nodes: 1, diskBytes: 64 * 1024 ** 2 })
  const free = Number(await ssh(b, `${b}-n1`, 'df -B1 --output=avail / | tail -1'))
  assert.ok(free <= 64 * 1024 ** 2, `${free}`)
  assert.match(await ssh(b, `${b}-n1`, 'head -c 100M /dev/zero 2>&1 >/root/full; true'), /No space left/)
})

test('after a reboot of the machine hosts start again as they were', async () => {
  await ssh(a, `${a}-n2`, 'echo old >/root/mark; sync')
  await clusters.expose(a, { local: 39_023, port: 22, host: `${a}-n2` })
  powerCut(a)
  assert.is(await stateOf(a), 'stopped stopped stopped')
  await clusters.start(a)
  assert.is(await ssh(a, `${a}-n2`, 'cat /root/mark'), 'old')
  const socket = connect(39_023, '127.0.0.1')
  assert.match(await heard(socket), /^SSH/)
  socket.destroy()
})

test('what a create that died has left does not stand in the way of the next', async () => {
  for (const milliseconds of [150, 400, 700, 1_000]) {
    const program = `import('@sealer/infra-local').then(async ({ localClusters }) =>
      (await localClusters({ home: ${JSON.stringify(home)} })).create({ cluster: '${c}', masters: 1, nodes: 1 }))`
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--conditions=@sealer/source', '--input-type=module', '-e', program],
      { stdio: 'ignore' },
    )
    await eventually(async () => existsSync(`/run/sealer-local/${c}.json`) || child.exitCode !== null)
    await setTimeout(milliseconds)
    child.kill('SIGKILL')
  }
  await clusters.create({ cluster: c, masters: 1, nodes: 1 })
  assert.is(await stateOf(c), 'running running')
  rmSync(join(home, 'local', c, 'state.json')) // as if the state had been lost
  assert.equal((await clusters.get(c)).hosts, [])
  await clusters.create({ cluster: c, masters: 1, nodes: 0 })
  assert.is(await stateOf(c), 'running')
  await clusters.delete(c)
  await clusters.delete(c)
})

test('hosts are deleted although somebody has unmounted their namespaces', async () => {
  await clusters.create({ cluster: c, masters: 1, nodes: 1, memoryDisks: true })
  for (const name of readdirSync('/run/netns').filter((one) => one.startsWith(`sealer-${c}`)))
    execFileSync('umount', ['--lazy', `/run/netns/${name}`])
  await clusters.delete(c)
  assert.not.match(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), `/local/${c}/hosts`)
})

// #region from-code
test('hosts can be made and reached from code', async () => {
  using local = await localClusters({ home })
  const { hosts } = await local.create({ cluster: c, masters: 1, nodes: 1, memoryDisks: true })
  const socket = await local.dial(hosts[1]?.address ?? '', 22, AbortSignal.timeout(10_000))
  assert.match(await heard(socket), /^SSH-2.0-/)
  socket.destroy()
  await local.kill(`${c}-n1`)
  await local.delete(c)
})
// #endregion

infraContract(test, () => ({
  infra: new LocalInfra(clusters),
  wanted: wantedOn([], {
    cluster: c,
    infra: 'local',
    counts: { masters: 1, nodes: 1 },
    infraOptions: { memoryDisks: true },
  }),
}))

test('a host is what it was expected to be', async () => {
  const infra = new LocalInfra(clusters)
  const wanted = wantedOn([], { cluster: c, infra: 'local', counts: { masters: 1, nodes: 0 } })
  const [planned] = await infra.observe(wanted)
  await clusters.create({ cluster: c, masters: 1, nodes: 0 })
  const pinFile = join(home, 'pins')
  const around = { secrets: createSecrets(), logger: silentLogger, clock: systemClock, dial: infra.dial }
  await using pool = createHostPool({ ...around, hostKeys: { kind: 'accept-new' }, pinFile })
  if (planned === undefined) throw new Error('no host is planned')
  const { machineId, clockSkewMs, diskFreeBytes, ...facts } = await pool.view(planned.spec).facts()
  assert.equal({ ...planned.expected, ...facts }, planned.expected)
  assert.match(machineId, /^[0-9a-f]{32}$/)
  assert.ok(Math.abs(clockSkewMs) < 1_000 && diskFreeBytes > 1e9)
  await clusters.delete(c)
})

test('a plan names the addresses that hosts will have', async () => {
  const infra = new LocalInfra(clusters)
  const wanted = wantedOn([], { cluster: c, infra: 'local', counts: { masters: 1, nodes: 0 } })
  const [planned] = await infra.observe(wanted)
  assert.is(planned?.state, 'absent')
  await clusters.create({ cluster: c, masters: 1, nodes: 0 })
  const recorded = { ...wanted, counts: { masters: 0, nodes: 0 }, hosts: planned === undefined ? [] : [planned.spec] }
  assert.equal(
    (await infra.observe(recorded)).map(({ spec, state }) => `${spec.address} ${state}`),
    [`${planned?.spec.address} running`],
  )
  await clusters.delete(c)
})

test('deleted clusters leave nothing, and the machine is as it was', async () => {
  for (const cluster of [a, b]) await clusters.delete(cluster)
  assert.equal(await clusters.list(), [])
  assert.not(existsSync(join(home, 'local')))
  assert.equal(machine(), before)
})

/** What a power cut does to a cluster: its processes, mounts, namespaces and everything in /run are gone; its folder is not. */
function powerCut(cluster: string): void {
  const folder = join(home, 'local', cluster)
  for (const mark of [
    'relay.json',
    ...readdirSync(join(folder, 'hosts')).map((name) => `hosts/${name}/supervisor.json`),
  ]) {
    process.kill(-Number(/"pid":(\d+)/.exec(readFileSync(join(folder, mark), 'utf8'))?.[1]), 'SIGKILL')
  }
  const script = `for ns in $(ip netns | awk '{print $1}' | grep -E "^sealer-${cluster}(\\.|$)"); do
      kill -9 $(ip netns pids $ns) 2>/dev/null; done; sleep 1
    for ns in $(ip netns | awk '{print $1}' | grep -E "^sealer-${cluster}(\\.|$)"); do ip netns del $ns; done
    awk '{print $2}' /proc/self/mounts | grep "^${folder}/" | xargs -r -n1 umount -l
    find /sys/fs/cgroup -depth -type d -path "*/sealer-local/${cluster}/*" -exec rmdir {} + 2>/dev/null
    rm -f /run/sealer-local/${cluster}.json`
  execFileSync('sh', ['-c', script])
}

/** Tries until there is an answer. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      if (performance.now() > end) throw error
    }
    if (performance.now() > end) throw new Error('not within 30 s')
    await setTimeout(100)
  }
}

test.run()
