import type { RegistryMap } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { registryHosts } from './registry-hosts.ts'

const test = suite('registry-hosts')

const map = (fallback: RegistryMap['fallback']): RegistryMap => ({
  upstreams: [
    { host: 'docker.io', urls: ['https://10.0.0.1:5000/v2/docker.io', 'https://10.0.0.2:5000/v2/docker.io'] },
    { host: 'sea.hub:5000', urls: ['https://10.0.0.1:5000/v2/sea.hub__5000'] },
  ],
  fallback,
  ca: '/p/ca.crt',
  clientCertificate: '/p/client.crt',
  clientKey: '/p/client.key',
})

test('every registry of the cluster is listed in its order, and the upstream stays the last', () => {
  const [docker] = registryHosts(map('upstream'))
  assert.is(docker?.path, '/etc/containerd/certs.d/docker.io/hosts.toml')
  assert.is(
    docker?.content,
    `[host."https://10.0.0.1:5000/v2/docker.io"]
  capabilities = ["pull", "resolve"]
  ca = "/p/ca.crt"
  client = [["/p/client.crt", "/p/client.key"]]
  override_path = true
  dial_timeout = "2s"

[host."https://10.0.0.2:5000/v2/docker.io"]
  capabilities = ["pull", "resolve"]
  ca = "/p/ca.crt"
  client = [["/p/client.crt", "/p/client.key"]]
  override_path = true
  dial_timeout = "2s"
`,
  )
})

test('where the upstream must not be asked, a registry of the cluster stands in its place', () => {
  const [docker, hub, rest] = registryHosts(map('never'))
  assert.match(docker?.content ?? '', /^server = "https:\/\/10\.0\.0\.2:5000\/v2\/docker\.io"\n/)
  assert.match(hub?.content ?? '', /^server = "https:\/\/10\.0\.0\.1:5000\/v2\/sea\.hub__5000"\n/)
  assert.not.match(hub?.content ?? '', /\[host/)
  assert.is(rest?.path, '/etc/containerd/certs.d/_default/hosts.toml')
})

test('a registry that serves all upstreams is asked last for those of the cluster, and alone for every other', () => {
  const proxy = 'https://10.0.0.254:7000/v2'
  const registries = map('never')
  const [docker, , rest] = registryHosts({
    ...registries,
    upstreams: registries.upstreams.map(({ host, urls }) => ({ host, urls: [...urls, proxy] })),
    others: [proxy],
  })
  assert.match(docker?.content ?? '', /^server = "https:\/\/10\.0\.0\.254:7000\/v2"\n/)
  assert.match(docker?.content ?? '', '[host."https://10.0.0.2:5000/v2/docker.io"]')
  assert.is(rest?.path, '/etc/containerd/certs.d/_default/hosts.toml')
  assert.match(rest?.content ?? '', /^server = "https:\/\/10\.0\.0\.254:7000\/v2"\n/)
  assert.match(rest?.content ?? '', 'override_path = true')
})

test.run()
