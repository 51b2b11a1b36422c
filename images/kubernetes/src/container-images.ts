import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DebianTree } from './debian.ts'
import { realFile } from './debian.ts'
import { withLibraries } from './libraries.ts'
import type { ImageRecipe } from './oci-layout.ts'
import { versions } from './parts.ts'
import type { Arch } from './platform.ts'
import { triplets } from './platform.ts'
import type { Release } from './releases.ts'
import type { Entries, Entry } from './tar.ts'

/** Debian packages with the programs by which kube-proxy and flannel write packet filter rules. */
export const filterPackages = ['iptables', 'nftables', 'conntrack', 'netbase'] as const

/** Tags of images that kubeadm would choose itself, were they not ours: see `etc/kubeadm.yml`. */
export const imageTags = { etcd: `${versions.etcd}-0`, coredns: `v${versions.coredns}` } as const

/** What the container images are made of: paths of programs by their name, and the tree of `filterPackages`. */
export interface ImageSources {
  readonly programs: Readonly<Record<string, string>>
  readonly filter: DebianTree
}

/** The container images that a cluster runs before any app: under the names that kubeadm and flannel.yaml ask for. */
export async function containerImages(
  release: Release,
  arch: Arch,
  { programs, filter }: ImageSources,
): Promise<ImageRecipe[]> {
  const program = (name: string): Entry => {
    const source = programs[name]
    if (source === undefined) throw new Error(`The program ${name} has not been built.`)
    return { kind: 'file', source, mode: 0o755 }
  }
  const tag = `v${release.version}`
  const filterLayer = await packetFilter(filter, arch)
  const tmp: Entry = { kind: 'folder', mode: 0o1777 }
  return [
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => ({
      name: `registry.k8s.io/${name}:${tag}`,
      layers: [{ tmp, [`usr/local/bin/${name}`]: program(name) }],
    })),
    {
      name: `registry.k8s.io/kube-proxy:${tag}`,
      layers: [filterLayer, { 'usr/local/bin/kube-proxy': program('kube-proxy') }],
    },
    {
      name: `registry.k8s.io/etcd:${imageTags.etcd}`,
      layers: [{ tmp, 'usr/local/bin/etcd': program('etcd'), 'usr/local/bin/etcdctl': program('etcdctl') }],
    },
    {
      name: `registry.k8s.io/coredns/coredns:${imageTags.coredns}`,
      layers: [{ tmp, coredns: program('coredns') }],
      entrypoint: ['/coredns'],
    },
    {
      name: `registry.k8s.io/pause:${release.pause}`,
      layers: [{ pause: program('pause') }],
      entrypoint: ['/pause'],
      user: '65535:65535',
    },
    {
      name: `ghcr.io/flannel-io/flannel:v${versions.flannel}`,
      layers: [filterLayer, { 'opt/bin/flanneld': program('flanneld') }],
      entrypoint: ['/opt/bin/flanneld'],
    },
  ]
}

/** The layer that kube-proxy and flannel share: iptables over nftables, nft, conntrack, their libraries and copyright notices. */
async function packetFilter(tree: DebianTree, arch: Arch): Promise<Entries> {
  const extensions = `usr/lib/${triplets[arch]}/xtables`
  const loaded = (await readdir(join(tree.root, extensions))).filter((name) => /^lib(xt|ipt|ip6t)_.*\.so$/.test(name))
  const files = await withLibraries(tree, arch, [
    'usr/sbin/xtables-nft-multi',
    'usr/sbin/nft',
    'usr/sbin/conntrack',
    ...loaded.map((name) => `${extensions}/${name}`),
  ])
  const names = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`])
  const links = names.map((name): [string, Entry] => [
    `usr/sbin/${name}`,
    { kind: 'link', target: 'xtables-nft-multi' },
  ])
  return {
    tmp: { kind: 'folder', mode: 0o1777 },
    run: { kind: 'folder', mode: 0o755 },
    ...files,
    ...Object.fromEntries(links),
    ...(await documents(tree, [
      'etc/protocols',
      ...tree.packages.map(({ name }) => `usr/share/doc/${name}/copyright`),
    ])),
  }
}

async function documents(tree: DebianTree, paths: readonly string[]): Promise<Record<string, Entry>> {
  const entries: Record<string, Entry> = {}
  for (const path of paths) {
    const source = await realFile(tree, path)
    if (source !== undefined) entries[path] = { kind: 'file', source, mode: 0o644 }
  }
  return entries
}
