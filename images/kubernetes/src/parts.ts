import type { Release } from './releases.ts'

/** A part of the base image that is built from a Go module. */
export interface Part {
  readonly name: string
  /** Without `v`. */
  readonly version: string
  /** SPDX expression; of the program itself, its libraries are listed in the module's go.mod. */
  readonly licence: string
  readonly module: string
  /** Folder below `modules/` with the part's go.mod and go.sum. */
  readonly folder: string
  readonly packages: readonly string[]
  /** File names that differ from what `go build` calls the program. */
  readonly renames: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  /** Variables that the linker sets (`-X`), mostly versions. */
  readonly stamps: Readonly<Record<string, string>>
  /** Debian packages whose headers and static libraries the part links; without any it is pure Go. */
  readonly libraries: readonly string[]
  /** Set where the module does not build as published: it is copied and these files are taken out. */
  readonly without?: SourceEdit
}

/** How a copy of a module's source differs from what is published. */
export interface SourceEdit {
  /** The module's hash as in go.sum; the copy is made of nothing else. */
  readonly sum: string
  /** Folders to leave out. */
  readonly folders: readonly string[]
  /** Lines to drop from a file: those that contain one of the texts. */
  readonly lines: Readonly<Record<string, readonly string[]>>
}

const plain = { renames: {}, tags: [], stamps: {}, libraries: [] } as const

/** Versions that all releases share. */
export const versions = {
  etcd: '3.6.16',
  coredns: '1.12.1',
  containerd: '2.1.4',
  runc: '1.3.0',
  cniPlugins: '1.7.1',
  flannel: '0.28.10',
  registry: '3.0.0',
  helm: '3.18.0',
} as const

/** Programs of Kubernetes itself; the first three run on hosts, the others in containers. */
export const kubernetesPrograms = [
  'kubeadm',
  'kubelet',
  'kubectl',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
] as const

/** All parts of a release, the slowest first. */
export function partsOf(release: Release): Part[] {
  return [kubernetes(release), flannel, helm(release), coredns, registry, containerd, etcd, runc, cniPlugins]
}

function kubernetes({ minor, version }: Release): Part {
  const [major = '', minorNumber = ''] = minor.split('.')
  const stamp = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minorNumber,
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
  }
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) =>
    Object.entries(stamp).map(([variable, value]) => [`${name}.${variable}`, value]),
  )
  return {
    ...plain,
    name: 'kubernetes',
    version,
    licence: 'Apache-2.0',
    module: 'k8s.io/kubernetes',
    folder: `kubernetes-${minor}`,
    packages: kubernetesPrograms.map((program) => `k8s.io/kubernetes/cmd/${program}`),
    stamps: Object.fromEntries(stamps),
  }
}

const flannelModule = 'github.com/flannel-io/flannel'

/** Two back-ends are left out: `tencentvpc` needs a module that is not published, `udp` needs C and is for debugging only. */
const flannel: Part = {
  ...plain,
  name: 'flannel',
  version: versions.flannel,
  licence: 'Apache-2.0',
  module: flannelModule,
  folder: 'flannel',
  packages: ['.'],
  renames: { flannel: 'flanneld' },
  stamps: { [`${flannelModule}/pkg/version.Version`]: `v${versions.flannel}` },
  without: {
    sum: 'h1:jt+uW6XVV01MBb3YFahG7Ue9UE3W6zlNlJMf3JtdcXI=',
    folders: ['pkg/backend/tencentvpc', 'pkg/backend/udp'],
    lines: { 'main.go': ['/pkg/backend/tencentvpc"', '/pkg/backend/udp"'] },
  },
}

/** Without the stamp helm takes every cluster for Kubernetes 1.20 when it renders, and many charts refuse. */
function helm({ minor }: Release): Part {
  const [major = '', minorNumber = ''] = minor.split('.')
  const module = 'helm.sh/helm/v3'
  return {
    ...plain,
    name: 'helm',
    version: versions.helm,
    licence: 'Apache-2.0',
    module,
    folder: 'helm',
    packages: [`${module}/cmd/helm`],
    stamps: {
      [`${module}/internal/version.version`]: `v${versions.helm}`,
      [`${module}/pkg/chartutil.k8sVersionMajor`]: major,
      [`${module}/pkg/chartutil.k8sVersionMinor`]: minorNumber,
      [`${module}/pkg/lint/rules.k8sVersionMajor`]: major,
      [`${module}/pkg/lint/rules.k8sVersionMinor`]: minorNumber,
    },
  }
}

const coredns: Part = {
  ...plain,
  name: 'coredns',
  version: versions.coredns,
  licence: 'Apache-2.0',
  module: 'github.com/coredns/coredns',
  folder: 'coredns',
  packages: ['github.com/coredns/coredns'],
}

const registryModule = 'github.com/distribution/distribution/v3'

const registry: Part = {
  ...plain,
  name: 'registry',
  version: versions.registry,
  licence: 'Apache-2.0',
  module: registryModule,
  folder: 'registry',
  packages: [`${registryModule}/cmd/registry`],
  stamps: { [`${registryModule}/version.version`]: `v${versions.registry}` },
}

const containerdModule = 'github.com/containerd/containerd/v2'

const containerd: Part = {
  ...plain,
  name: 'containerd',
  version: versions.containerd,
  licence: 'Apache-2.0',
  module: containerdModule,
  folder: 'containerd',
  packages: ['containerd', 'ctr', 'containerd-shim-runc-v2'].map((program) => `${containerdModule}/cmd/${program}`),
  stamps: { [`${containerdModule}/version.Version`]: `v${versions.containerd}` },
}

const etcd: Part = {
  ...plain,
  name: 'etcd',
  version: versions.etcd,
  licence: 'Apache-2.0',
  module: 'go.etcd.io/etcd/server/v3',
  folder: 'etcd',
  packages: ['go.etcd.io/etcd/server/v3', 'go.etcd.io/etcd/etcdctl/v3'],
  renames: { server: 'etcd' },
}

/** Without the tag every sandbox fails with "seccomp: config provided but seccomp not supported". */
const runc: Part = {
  ...plain,
  name: 'runc',
  version: versions.runc,
  licence: 'Apache-2.0 AND LGPL-2.1-only',
  module: 'github.com/opencontainers/runc',
  folder: 'runc',
  packages: ['github.com/opencontainers/runc'],
  tags: ['seccomp', 'netgo', 'osusergo'],
  libraries: ['libseccomp-dev'],
}

const pluginsModule = 'github.com/containernetworking/plugins'

const cniPlugins: Part = {
  ...plain,
  name: 'cni-plugins',
  version: versions.cniPlugins,
  licence: 'Apache-2.0',
  module: pluginsModule,
  folder: 'cni-plugins',
  packages: [
    ...['bridge', 'loopback', 'ptp', 'host-device'].map((plugin) => `${pluginsModule}/plugins/main/${plugin}`),
    `${pluginsModule}/plugins/ipam/host-local`,
    ...['portmap', 'firewall', 'bandwidth', 'tuning'].map((plugin) => `${pluginsModule}/plugins/meta/${plugin}`),
  ],
  stamps: { [`${pluginsModule}/pkg/utils/buildversion.BuildVersion`]: `v${versions.cniPlugins}` },
}
