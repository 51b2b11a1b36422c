import { createHash } from 'node:crypto'
import type { KubeObject } from '@sealer/core'
import { type FakeHost, fakeHost, fakeImage } from '@sealer/core/testing'

/** A CA of a cluster, made for tests; its key was thrown away. */
export const caCertificate = `-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUatPd6pwoYrJ0zegTK+X35FHchAIwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjMyMzQzNTRaGA8yMTI2MTAz
MDIzNDM1NFowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABNhQH7vUQZmHM6BnbrVzZ8JA08xKkdCq9T+k0/wZDPmaB/gt+KAw
rWb60UGAznMO9DyNaA2ZcXZ1rxLjamXfcHCjUzBRMB0GA1UdDgQWBBSljCP8gfXb
FsCSKgC77WTYHD3JETAfBgNVHSMEGDAWgBSljCP8gfXbFsCSKgC77WTYHD3JETAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDIpdldBoUWVVzCx84h
fw9isYtKjGTTt0qmgM+nFeoodgIhANc5JwWrgvEEO8bKbV/43PnDu67d24C37ukR
4h+P42SB
-----END CERTIFICATE-----
`

/** sha256 over the public key of `caCertificate`, as openssl says. */
export const caCertificateHash = 'sha256:d76eb2fdf9a95a8bc5b3c43f05eb1cb899bc010f52b1732c2592e5d777a4fc66'

/** An image whose store holds no more than that there are no images to fetch. */
export function imageWithoutImages(version = 'v1.34.4', labels: Readonly<Record<string, string>> = {}) {
  const image = fakeImage({ runtime: { type: 'kubernetes', version }, labels })
  const stored = { reference: image.reference, digest: image.digest, platforms: image.platforms, size: 0, created: 0 }
  return {
    ...image,
    store: {
      ...image.store,
      resolve: async () => stored,
      platform: async () => ({
        config: await image.config({ os: 'linux', architecture: 'amd64' }),
        rootfs: image.digest,
        layers: [],
        images: [],
      }),
    },
  }
}

/** Fake hosts that behave like one cluster as far as the runtime looks: kubeadm leaves its files, and nodes show up in the API. */
export function clusterWorld(
  ...hosts: readonly (readonly [name: string, role: 'master' | 'node'])[]
): readonly FakeHost[] {
  const world: FakeHost[] = hosts.map(([name, role]) => fakeHost(name, [role]))
  const joined = () => world.filter((host) => host.files.has('/etc/kubernetes/kubelet.conf'))
  const addons = new Set<string>()
  const signed = new Set<string>()
  const sign = (host: FakeHost) => {
    const files = ['init', 'token'].map((name) => host.files.get(`/run/sealer/kubeadm-${name}.yaml`) ?? '')
    for (const [, id = ''] of files.join().matchAll(/"token": "(\w{6})\./g)) signed.add(`jws-kubeconfig-${id}`)
  }
  for (const host of world) {
    host
      .answer('sha256sum', (command) => digests(command, host))
      .answer(/ link$/, () => done(host, '/usr/local/bin'))
      .answer(/ check$/, () => (host.files.has('/usr/local/bin/linked') ? '' : '/usr/local/bin/kubectl'))
      .answer(/^systemctl (restart|enable) .*containerd/, () => done(host, '/run/containerd'))
      .answer(/^systemctl is-active/, () => ({ exitCode: host.files.has('/run/containerd/linked') ? 0 : 3 }))
      .answer(/^(nft|ip6?tables-save)/, { exitCode: 127 })
      .answer(/kubeadm version/, 'v1.34.4')
      .answer('config images list', 'registry.k8s.io/kube-proxy:v1.34.4\nregistry.k8s.io/pause:3.10.1')
      .answer(/kubeadm init --skip/, () => {
        sign(host)
        return becomeMember(host)
      })
      .answer(/kubeadm token create/, () => {
        sign(host)
        return ''
      })
      .answer('configmap cluster-info', () =>
        JSON.stringify({ data: Object.fromEntries([...signed].map((key) => [key, ''])) }),
      )
      .answer(/kubeadm join/, () => becomeMember(host))
      .answer('addon coredns', () => {
        addons.add('coredns')
        return ''
      })
      .answer('get nodes', () => JSON.stringify({ items: joined().map(({ name }) => node(name)) }))
      .answer(/get deployment .*coredns/, () => (addons.has('coredns') ? 'deployment.apps/coredns' : ''))
      .answer(/get -n kube-system .*daemonsets/, () =>
        JSON.stringify({
          items: [workload('DaemonSet', 'kube-proxy'), ...[...addons].map((name) => workload('Deployment', name))],
        }),
      )
      .answer(/^rm -f .*joined/, (command) => {
        for (const file of [...host.files.keys()])
          if (command.includes(file) || file.startsWith('/etc/kubernetes')) host.files.delete(file)
        return ''
      })
  }
  return world
}

function digests(command: string, host: FakeHost): string {
  const paths = command
    .split(' ')
    .slice(1)
    .map((word) => word.replaceAll("'", ''))
  return paths
    .flatMap((path) => {
      const content = host.files.get(path)
      return content === undefined ? [] : [`${createHash('sha256').update(content).digest('hex')}  ${path}`]
    })
    .join('\n')
}

function done(host: FakeHost, folder: string): string {
  host.files.set(`${folder}/linked`, '')
  return ''
}

function becomeMember(host: FakeHost): string {
  host.files.set('/etc/kubernetes/kubelet.conf', 'k')
  if (host.roles.includes('master')) {
    host.files.set('/etc/kubernetes/admin.conf', 'server: https://apiserver.cluster.local:6443\n')
    host.files.set('/etc/kubernetes/pki/ca.crt', caCertificate)
  }
  return ''
}

const node = (name: string): KubeObject => ({
  kind: 'Node',
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})

const workload = (kind: string, name: string): KubeObject => ({
  kind,
  metadata: { name, namespace: 'kube-system', generation: 1 },
  spec: { replicas: 1 },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
})
