// time limit: 1500 s
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localClusters } from '@sealer/infra-local'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase } from './support/cluster-images.ts'
import { succeeded, tool } from './support/run-tool.ts'
import { Site } from './support/site.ts'

// One cluster of hosts that are each logged in to in another way.

const test = suite('cluster logins')
const lab = `g${process.pid}`
const cluster = `${lab}x`
const [byPassword, bySudo, byFreeSudo] = [`${lab}-m1`, `${lab}-n1`, `${lab}-n2`]
const rootPassword = 'root "and" $only'
const opsPassword = `p"a's $word\\`
const site = await Site.open()
const inside = {
  wrap: ['nsenter', `--net=/run/netns/sealer-${lab}`, '--'],
  env: { HOME: join(site.home, 'user'), ROOT_PASSWORD: rootPassword, OPS_PASSWORD: opsPassword },
}
let clusterfile = ''

/** A user `ops` who may sudo, by a password that the user has to type, or without one. */
const addUser = (host: string, { rule, key = '' }: { rule: string; key?: string }) =>
  site.sealer('local', 'exec', host, '--', 'bash', '-euc', addUserScript, 'bash', rule, opsPassword, key)

const addUserScript = `
useradd --create-home --shell /bin/bash ops
printf 'ops:%s\\n' "$2" | chpasswd
printf 'ops ALL=(ALL) %s\\n' "$1" >/etc/sudoers.d/ops
chmod 440 /etc/sudoers.d/ops
if [ -n "$3" ]; then
  install -d -m 700 -o ops -g ops /home/ops/.ssh
  printf '%s\\n' "$3" | install -m 600 -o ops -g ops /dev/stdin /home/ops/.ssh/authorized_keys
fi`

test.before(async () => {
  const image = await buildBase()
  await site.takeImages()
  using clusters = await localClusters({ home: site.home })
  const wish = { cluster: lab, masters: 1, nodes: 2, memoryDisks: true, password: rootPassword }
  const { hosts } = await clusters.create(wish)
  const at = (name: string) => hosts.find((host) => host.name === name)?.address ?? ''

  await addUser(bySudo, { rule: 'ALL' })
  const port = 'printf "Port 2222\\n" >/etc/ssh/sshd_config.d/10-port.conf && systemctl restart ssh'
  await site.sealer('local', 'exec', bySudo, '--', 'bash', '-euc', port)
  const key = join(site.home, 'ops-key')
  await tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
  await addUser(byFreeSudo, { rule: 'NOPASSWD: ALL', key: (await readFile(`${key}.pub`, 'utf8')).trim() })

  clusterfile = await site.write('Clusterfile', {
    apiVersion: 'sealer.io/v1',
    kind: 'Cluster',
    metadata: { name: cluster },
    spec: {
      image,
      hosts: [
        { ips: [at(byPassword)], roles: ['master'], ssh: { user: 'root', passwdFrom: 'env:ROOT_PASSWORD' } },
        { ips: [at(bySudo)], roles: ['node'], ssh: { user: 'ops', port: 2222, passwdFrom: 'env:OPS_PASSWORD' } },
        { ips: [at(byFreeSudo)], roles: ['node'], ssh: { user: 'ops', pk: key } },
      ],
    },
  })
})
test.after(async () => {
  await site[Symbol.asyncDispose]()
})

test('by password, by sudo with a password at another port, by key and sudo without one', async () => {
  const { report, events } = await site.run(['apply', '--file', clusterfile, '--accept-new-host-keys'], inside)
  assert.is(report.status.state, 'ready')
  assert.equal(
    report.status.nodes.map(({ name, ready }) => `${name} ${ready}`).sort(),
    [byPassword, bySudo, byFreeSudo].map((name) => `${name} true`),
  )
  assert.not.match(JSON.stringify(events), JSON.stringify(opsPassword).slice(1, -1), 'passwords stay out of events')
})

test('no password is left in the home or on a host', async () => {
  const search = [
    'grep',
    '--recursive',
    '--files-with-matches',
    '--fixed-strings',
    '-e',
    opsPassword,
    '-e',
    rootPassword,
  ]
  const { stdout } = await site.try([
    'local',
    'exec',
    bySudo,
    '--',
    ...search,
    '/var/lib/sealer/clusters',
    '/etc/kubernetes',
    '/var/log',
  ])
  assert.is(stdout, '')
  const clusters = join(site.home, 'clusters')
  await tool('sh', '-c', '! grep -rlF -e "$1" -e "$2" "$3"', 'sh', opsPassword, rootPassword, clusters)
})

test('the record of the cluster is enough to take it off again', async () => {
  const outcome = await site.try(['delete', cluster, '--yes'], inside)
  succeeded('sealer delete', outcome)
  for (const host of [byPassword, bySudo, byFreeSudo]) {
    assert.is.not((await site.try(['local', 'exec', host, '--', 'test', '-e', '/var/lib/sealer'])).code, 0, host)
  }
})

test.run()
