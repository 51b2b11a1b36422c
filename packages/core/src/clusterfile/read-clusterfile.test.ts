import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { mergeWishes } from './merge-wishes.ts'
import { readClusterfile } from './read-clusterfile.ts'

const test = suite('reading Clusterfiles')

const read = (text: string) => readClusterfile(text, 'Clusterfile')
const claims = [{ apiVersion: 'kubeadm.k8s.io/*', kind: 'ClusterConfiguration' }]
const head = 'apiVersion: sealer.io/v2\nkind: Cluster\nmetadata: {name: lab}\n'

/** The problems of a file that is refused. */
function problems(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (!SealerError.is(error)) throw error
    return error.problems.map((problem) =>
      SealerError.is(problem) ? `${problem.message} ${problem.hint}` : String(problem),
    )
  }
  throw new Error('The file was accepted.')
}

test('the smallest cluster (CF-01)', () => {
  const { wish, warnings } = read(
    '{kind: Cluster, apiVersion: sealer.io/v2, metadata: {name: lab}, spec: {image: k:v1, hosts: [{ips: [10.1.0.1], roles: [master]}]}}',
  )
  assert.equal(wish, { cluster: 'lab', image: 'k:v1', hosts: [{ address: '10.1.0.1', roles: ['master'] }] })
  assert.equal(warnings, [])
})

test('the file that the guides show', () => {
  const { wish, warnings } = read(readFileSync(join(import.meta.dirname, 'testdata/lab.yaml'), 'utf8'))
  assert.equal(
    wish.hosts?.map((host) => `${host.address} ${host.roles} ${host.ssh?.port ?? ''}`.trim()),
    ['10.0.0.1 master', '10.0.0.2 master', '10.0.0.3 master', '10.0.0.4 node 2222', '10.0.0.5 node 2222'],
  )
  assert.equal(wish.ssh, { user: 'ops', privateKey: '~/.ssh/lab', sudoPassword: 'env:LAB_SUDO' })
  assert.equal([wish.registry, warnings], [{ fallback: 'never' }, []])
})

test('variables with the beginning of a derived name stay (CF-05)', () => {
  assert.equal(read(`${head}spec: {env: [RegistryDomainExtra=x]}`).wish.env, { RegistryDomainExtra: 'x' })
})

test('the oldest form keeps its hosts (CF-06)', () => {
  const { wish, warnings } = read(
    '{kind: Cluster, apiVersion: sealer.aliyun.com/v1alpha1, metadata: {name: old}, spec: {image: k:v1, ssh: {passwd: x}, masters: {ipList: [10.1.0.1]}, nodes: {ipList: [10.1.0.2]}}}',
  )
  assert.equal(wish.hosts, [
    { address: '10.1.0.1', roles: ['master'] },
    { address: '10.1.0.2', roles: ['node'] },
  ])
  assert.equal([wish.infra, wish.ssh], ['baremetal', { password: 'value:x' }])
  assert.match(warnings[0] ?? '', 'spec.ssh.passwd is a password in plain text')
})

test('and its counts, with the provider by today’s name (CF-07)', () => {
  const { wish } = read(
    '{kind: Cluster, apiVersion: sealer.aliyun.com/v1alpha1, metadata: {name: old}, spec: {image: k:v1, provider: ALI_CLOUD, masters: {count: "3", cpu: "4", memory: "8"}}}',
  )
  assert.equal(wish.counts, { masters: 3, nodes: 0 })
  assert.is(wish.infra, 'alicloud')
  assert.equal(wish.infraOptions, { masters: { cpu: 4, memory: 8 } })
})

test('a misspelt field is refused at its place, with the name that was meant (CF-08)', () => {
  const found = problems(`${head}spec:\n  hosts:\n    - ips: [10.1.0.1]\n      role: [master]\n      roles: [master]\n`)
  assert.equal(found, ['Clusterfile:7:7: unknown field "role" in spec.hosts[0]. Did you mean "roles"?'])
})

test('a host’s own SSH settings stand beside those of all (CF-09)', () => {
  const { wish } = read(
    `${head}spec: {ssh: {user: ops, port: 22}, hosts: [{ips: [10.1.0.1], roles: [master], ssh: {port: "2222"}}]}`,
  )
  assert.equal([wish.ssh, wish.hosts?.[0]?.ssh], [{ user: 'ops', port: 22 }, { port: 2222 }])
})

test('variables: the last wins, only the first = counts, what is none is told (CF-10)', () => {
  const { wish, warnings } = read(
    `${head}spec: {env: [A=1, A=2, B=x=y, C, D=], hosts: [{ips: [10.1.0.1], roles: [master], env: [A=9]}]}`,
  )
  assert.equal(wish.env, { A: '2', B: 'x=y', D: '' })
  assert.equal(wish.hosts?.[0]?.env, { A: '9' })
  assert.match(warnings.join(), 'spec.env: "C" is not NAME=value and is left out.')
})

test('documents of a plugin are handed on as they are (CF-11)', () => {
  const document =
    'kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\napiServer: {extraArgs: [{name: v, value: "2"}]}\n'
  const { wish } = readClusterfile(`${head}spec: {}\n---\n${document}`, 'Clusterfile', claims)
  assert.equal(wish.documents, [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      value: {
        kind: 'ClusterConfiguration',
        apiVersion: 'kubeadm.k8s.io/v1beta4',
        apiServer: { extraArgs: [{ name: 'v', value: '2' }] },
      },
    },
  ])
})

test('a kind that nobody claims is refused by name', () => {
  assert.match(
    problems(`${head}spec: {}\n---\nkind: Thing\napiVersion: x/v1\n`)[0] ?? '',
    'Clusterfile:6:7: no installed plugin claims documents of kind Thing (x/v1).',
  )
})

test('kinds of the original that come later are refused by name', () => {
  for (const kind of ['Config', 'Application', 'Plugin']) {
    assert.match(
      problems(`${head}spec: {}\n---\nkind: ${kind}\napiVersion: sealer.io/v1\n`)[0] ?? '',
      `documents of kind ${kind} are not supported yet`,
    )
  }
})

test('fields that come later are refused by name (CF-02, CF-03)', () => {
  const found = problems(
    `${head}spec:\n  registry:\n    localRegistry: {domain: hub.lab, port: 5443, ha: false}\n    externalRegistry: {domain: harbor.lab}\n  dataRoot: /data\n`,
  )
  assert.is(found.length, 4)
  for (const field of ['localRegistry.domain', 'localRegistry.ha', 'externalRegistry', 'dataRoot']) {
    assert.ok(
      found.some((problem) => problem.includes(`${field} is not supported yet`)),
      field,
    )
  }
})

test('what is the case anyway may be said', () => {
  const { wish } = read(
    `${head}spec: {containerRuntime: {type: containerd}, registry: {localRegistry: {domain: sea.hub, port: 5443, ha: true}}}`,
  )
  assert.equal(wish.registry, { port: 5443 })
})

test('taints have one grammar (CF-14)', () => {
  const host = (taint: string) => `${head}spec: {hosts: [{ips: [10.1.0.1], roles: [node], taints: ["${taint}"]}]}`
  for (const taint of ['a=b:NoSchedule', 'gpu-node=yes:NoExecute', 'a=b:NoSchedule-', 'a-']) {
    assert.equal(read(host(taint)).wish.hosts?.[0]?.taints, [taint])
  }
  assert.match(problems(host('a=b:Bad'))[0] ?? '', 'with the effect NoSchedule, PreferNoSchedule or NoExecute')
})

test('ranges of hosts are spread', () => {
  const { wish } = read(`${head}spec: {hosts: [{ips: [10.1.0.1-10.1.0.3], roles: [master]}]}`)
  assert.equal(
    wish.hosts?.map((host) => host.address),
    ['10.1.0.1', '10.1.0.2', '10.1.0.3'],
  )
})

test('a wrong range is refused at its place', () => {
  assert.match(
    problems(`${head}spec: {hosts: [{ips: [10.1.0.9-10.1.0.3], roles: [master]}]}`)[0] ?? '',
    /^Clusterfile:4:/,
  )
})

test('hosts may be counted where an infrastructure makes them', () => {
  const { wish } = read(
    `${head}spec: {infra: {name: local, options: {memoryDisks: true}}, hosts: [{count: 1, roles: [master]}, {count: 2, roles: [node]}]}`,
  )
  assert.equal([wish.counts, wish.infra, wish.infraOptions], [{ masters: 1, nodes: 2 }, 'local', { memoryDisks: true }])
})

test('a host needs a role that matters', () => {
  assert.match(
    problems(`${head}spec: {hosts: [{ips: [10.1.0.1], roles: [gpu]}]}`)[0] ?? '',
    'one of them must be master or node',
  )
})

test('a host named twice is refused', () => {
  assert.match(
    problems(`${head}spec: {hosts: [{ips: [10.1.0.1], roles: [master]}, {ips: [10.1.0.1], roles: [node]}]}`)[0] ?? '',
    '10.1.0.1 is named twice',
  )
})

test('plugins and the options of a runtime have their places', () => {
  const { wish } = read(
    `${head}spec: {runtime: {name: k8s, options: {a: 1}}, plugins: [{name: site-tap, options: {b: 2}}]}`,
  )
  assert.equal(
    [wish.runtime, wish.runtimeOptions, wish.plugins],
    ['kubernetes', { a: 1 }, [{ name: 'site-tap', options: { b: 2 } }]],
  )
})

test('secrets stand in references', () => {
  assert.is(read(`${head}spec: {ssh: {passwdFrom: "env:LAB"}}`).wish.ssh?.password, 'env:LAB')
  assert.match(problems(`${head}spec: {ssh: {passwdFrom: hunter2}}`)[0] ?? '', 'write env:NAME, file:PATH or prompt')
})

test('passwords that the original encrypted are refused with the reason', () => {
  assert.match(problems(`${head}spec: {ssh: {encrypted: true}}`)[0] ?? '', 'it protects nothing')
})

test('values of variables and labels stay as they are written', () => {
  const { wish } = read(
    `${head}spec: {env: {VERSION: 1.10, MODE: 0644, ON: true, EMPTY: }, hosts: [{ips: [10.1.0.1], roles: [node], labels: {rack: 07}}]}`,
  )
  assert.equal(wish.env, { VERSION: '1.10', MODE: '0644', ON: 'true', EMPTY: '' })
  assert.equal(wish.hosts?.[0]?.labels, { rack: '07' })
})

test('what is missing is told as missing', () => {
  const found = problems(`${head}spec: {hosts: [{ips: [10.1.0.1]}], runtime: {}}`)
  assert.match(found[0] ?? '', 'spec.hosts[0].roles: it is missing')
  assert.match(found[1] ?? '', 'spec.runtime.name: it is missing')
})

test('all problems are told at once', () => {
  assert.is(problems(`${head}spec: {imagee: k:v1, hosts: [{ips: [10.1.0.1]}], foo: 1}`).length, 3)
})

test('what is no YAML is told with its line', () => {
  assert.match(problems('kind: Cluster\n  bad: [\n')[0] ?? '', /^Clusterfile:\d+:\d+: this is not YAML/)
})

test('there is exactly one cluster', () => {
  assert.match(problems('')[0] ?? '', 'there is no document of kind Cluster')
  assert.match(problems(`${head}spec: {}\n---\n${head}spec: {}`)[0] ?? '', 'several documents of kind Cluster')
})

test('an alias bomb is refused', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
  ]
  assert.throws(() => read(`${head}${bomb.join('\n')}\nspec: {}`))
})

test('the strong wish wins, and adds its hosts', () => {
  const merged = mergeWishes(
    { image: 'k:v2', env: { A: '1' }, hosts: [{ address: '10.1.0.2', roles: ['node'] }] },
    { image: 'k:v1', cluster: 'lab', env: { A: '0', B: '0' }, hosts: [{ address: '10.1.0.1', roles: ['master'] }] },
  )
  assert.equal([merged.image, merged.cluster, merged.env], ['k:v2', 'lab', { A: '1', B: '0' }])
  assert.equal(
    merged.hosts?.map((host) => host.address),
    ['10.1.0.1', '10.1.0.2'],
  )
})

test('a host in both is refused', () => {
  const wish = { hosts: [{ address: '10.1.0.1', roles: ['master'] }] }
  assert.throws(() => mergeWishes(wish, wish), /10\.1\.0\.1 is named twice/)
})

test.run()
