import { versions } from './parts.ts'
import type { Arch } from './platform.ts'
import type { Release } from './releases.ts'

/** Where the makers publish; a test puts a server of its own here. */
export interface Sites {
  readonly kubernetes: string
  readonly github: string
  readonly helm: string
  readonly registry: string
}

export const officialSites: Sites = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  helm: 'https://get.helm.sh',
  registry: 'https://registry.k8s.io',
}

/** One file of a release. */
export interface OfficialFile {
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly url: string
  /** The makers' own list of sha256 sums: the bare sum, or lines of sum and file name. */
  readonly sums: string
  /** Paths of programs inside the archive; without them the file is the program itself, under `name`. */
  readonly members?: readonly string[]
  /** Goes to `cni/bin` rather than to `bin`. */
  readonly cni?: boolean
}

/** Every file that the hosts need. The container images come from registries, when `sealer build` fetches them. */
export function officialFiles({ version }: Release, arch: Arch, sites: Sites): OfficialFile[] {
  const { containerd, runc, cniPlugins, registry, helm, etcd } = versions
  const github = (repository: string, tag: string) => `${sites.github}/${repository}/releases/download/${tag}`
  const licence = 'Apache-2.0'
  const archive = (
    name: string,
    own: string,
    url: string,
    ending: string,
    members: readonly string[],
  ): OfficialFile => ({
    ...{ name, version: own, licence, url, members },
    sums: `${url}${ending}`,
  })
  return [
    ...['kubeadm', 'kubelet', 'kubectl'].map((name) => {
      const url = `${sites.kubernetes}/release/v${version}/bin/linux/${arch}/${name}`
      return { name, version, licence, url, sums: `${url}.sha256` }
    }),
    archive(
      'containerd',
      containerd,
      `${github('containerd/containerd', `v${containerd}`)}/containerd-${containerd}-linux-${arch}.tar.gz`,
      '.sha256sum',
      ['bin/containerd', 'bin/ctr', 'bin/containerd-shim-runc-v2'],
    ),
    {
      name: 'runc',
      version: runc,
      licence: `${licence} AND LGPL-2.1-only`,
      url: `${github('opencontainers/runc', `v${runc}`)}/runc.${arch}`,
      sums: `${github('opencontainers/runc', `v${runc}`)}/runc.sha256sum`,
    },
    {
      ...archive(
        'cni-plugins',
        cniPlugins,
        `${github('containernetworking/plugins', `v${cniPlugins}`)}/cni-plugins-linux-${arch}-v${cniPlugins}.tgz`,
        '.sha256',
        ['bridge', 'loopback', 'ptp', 'host-device', 'host-local', 'portmap', 'firewall', 'bandwidth', 'tuning'].map(
          (plugin) => `./${plugin}`,
        ),
      ),
      cni: true,
    },
    archive(
      'registry',
      registry,
      `${github('distribution/distribution', `v${registry}`)}/registry_${registry}_linux_${arch}.tar.gz`,
      '.sha256',
      ['registry'],
    ),
    archive('helm', helm, `${sites.helm}/helm-v${helm}-linux-${arch}.tar.gz`, '.sha256sum', [`linux-${arch}/helm`]),
    {
      ...archive('etcdctl', etcd, `${github('etcd-io/etcd', `v${etcd}`)}/etcd-v${etcd}-linux-${arch}.tar.gz`, '', [
        `etcd-v${etcd}-linux-${arch}/etcdctl`,
      ]),
      sums: `${github('etcd-io/etcd', `v${etcd}`)}/SHA256SUMS`,
    },
  ]
}
