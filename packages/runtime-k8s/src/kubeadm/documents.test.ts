import { SealerError, type WantedDocument } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ClusterFacts, type ConfigKind, configDocument, configFile } from './documents.ts'
import { fragmentsOf } from './fragments.ts'
import type { Tree } from './trees.ts'

const test = suite('documents')

const facts: ClusterFacts = {
  version: 'v1.34.4',
  masters: [{ name: 'm1', address: '10.0.0.1' }],
  systemdCgroups: true,
  cgroupV1: false,
  conntrackSysctls: true,
  env: {},
}

const document = (kind: ConfigKind, value: Tree, apiVersion = 'kubeadm.k8s.io/v1beta4'): WantedDocument => ({
  apiVersion,
  kind,
  value: { apiVersion, kind, ...value },
})
const build = (
  kind: ConfigKind,
  user: readonly WantedDocument[] = [],
  more: Partial<ClusterFacts> = {},
  image: readonly WantedDocument[] = [],
) => configDocument(kind, { image, user }, { ...facts, ...more })

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (SealerError.is(error)) return error.code
  }
  return ''
}

test('the Clusterfile is over the image, the image over the defaults', () => {
  const image = [
    document('ClusterConfiguration', {
      etcd: { local: { imageTag: '3.6' } },
      networking: { podSubnet: '10.1.0.0/16', dnsDomain: 'a' },
    }),
  ]
  const built = build(
    'ClusterConfiguration',
    [document('ClusterConfiguration', { networking: { podSubnet: '10.2.0.0/16' } })],
    {},
    image,
  )
  assert.equal(built.networking, { podSubnet: '10.2.0.0/16', serviceSubnet: '10.96.0.0/22', dnsDomain: 'a' })
  assert.equal(built.etcd, { local: { imageTag: '3.6' } })
  assert.is(built.kubernetesVersion, 'v1.34.4')
})

test('all names of the API server that anybody asked for are in its certificate', () => {
  const built = build(
    'ClusterConfiguration',
    [document('ClusterConfiguration', { apiServer: { certSANs: ['k8s.example.com'] } })],
    { env: { CertSANs: 'a.lab,b.lab' } },
  )
  assert.equal((built.apiServer as { certSANs: string[] }).certSANs, [
    '127.0.0.1',
    'localhost',
    'apiserver.cluster.local',
    '10.0.0.1',
    'a.lab',
    'b.lab',
    'k8s.example.com',
  ])
})

test('PodCIDR of the environment counts where no document says otherwise', () => {
  assert.is(
    (build('ClusterConfiguration', [], { env: { PodCIDR: '10.9.0.0/16' } }).networking as Tree).podSubnet,
    '10.9.0.0/16',
  )
})

test('a value that contradicts a computed one is refused', () => {
  const user = [document('KubeletConfiguration', { cgroupDriver: 'cgroupfs' }, 'kubelet.config.k8s.io/v1beta1')]
  assert.is(
    codeOf(() => build('KubeletConfiguration', user)),
    'CONFIG_CONTRADICTS',
  )
})

test('tokens in a file are refused', () => {
  assert.is(
    codeOf(() => build('InitConfiguration', [document('InitConfiguration', { bootstrapTokens: [] })])),
    'CONFIG_RESERVED',
  )
})

test('preflight checks are not ignored wholesale', () => {
  const user = [document('InitConfiguration', { nodeRegistration: { ignorePreflightErrors: ['All'] } })]
  assert.is(
    codeOf(() => build('InitConfiguration', user)),
    'PREFLIGHT_WHOLESALE',
  )
})

test('cgroup v1 is asked for from 1.35 on', () => {
  assert.is(build('KubeletConfiguration', [], { cgroupV1: true }).failCgroupV1, undefined)
  assert.is(build('KubeletConfiguration', [], { cgroupV1: true, version: 'v1.35.4' }).failCgroupV1, false)
})

test('kube-proxy leaves the conntrack table alone where a host cannot size it', () => {
  assert.equal(build('KubeProxyConfiguration', [], { conntrackSysctls: false }).conntrack, { maxPerCore: 0, min: 0 })
  assert.is(build('KubeProxyConfiguration').conntrack, undefined)
})

test('extra arguments of v1beta3, a map, become a list', () => {
  const user = [document('ClusterConfiguration', { apiServer: { extraArgs: { v: 4 } } }, 'kubeadm.k8s.io/v1beta3')]
  assert.equal((build('ClusterConfiguration', user).apiServer as Tree).extraArgs, [{ name: 'v', value: '4' }])
})

test('documents of the image are read from YAML; one without a kind is refused', () => {
  const [first] = fragmentsOf(
    'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ndns: {imageTag: v1}\n---\n',
    'f',
  )
  assert.equal(first?.value.dns, { imageTag: 'v1' })
  assert.is(
    codeOf(() => fragmentsOf('a: 1', 'f')),
    'CONFIG_UNREADABLE',
  )
  assert.is(
    codeOf(() => fragmentsOf('a: [', 'f')),
    'CONFIG_UNREADABLE',
  )
})

test('documents stand in one file, with kind and apiVersion', () => {
  const file = configFile(build('InitConfiguration'), build('KubeProxyConfiguration'))
  assert.equal(
    file.split('---\n').map((text) => JSON.parse(text).kind),
    ['InitConfiguration', 'KubeProxyConfiguration'],
  )
})

test.run()
