import type { DebianPackage } from './debian.ts'
import type { ImageRecipe } from './oci-layout.ts'
import type { Arch } from './platform.ts'

/** One line of `PARTS.json`: a program or package, where it came from, and under which licence. */
export interface PartRecord {
  readonly name: string
  readonly version: string
  /** SPDX expression; for a Debian package, where its licence stands. */
  readonly licence: string
  /** Go module, Debian package or release page. */
  readonly module: string
  /** `official`: fetched from its makers; `built`: compiled here from the module. */
  readonly source: 'official' | 'built'
  /** Of the program or package file, in hex. */
  readonly sha256: string
}

/** The line of a Debian package; `licence` says where its text stands. */
export const debianRecord = ({ name, version, sha256 }: DebianPackage, licence: string): PartRecord => ({
  ...{ name, version, licence, module: `debian:${name}`, source: 'official', sha256 },
})

/** What goes onto hosts of one architecture: paths on this machine by file name. */
export interface HostFiles {
  readonly bin: Readonly<Record<string, string>>
  readonly cni: Readonly<Record<string, string>>
  /** For `lib/igzip/` of the rootfs. */
  readonly gunzip: Readonly<Record<string, string>>
  readonly records: readonly PartRecord[]
}

/** All that one of the two sources has gathered; the context is the same from here on. */
export interface Gathered {
  readonly source: 'official' | 'built'
  readonly files: ReadonlyMap<Arch, HostFiles>
  /** Images of our own making, or the names of those that `sealer build` fetches. */
  readonly images:
    | { readonly recipes: ReadonlyMap<Arch, readonly ImageRecipe[]> }
    | { readonly names: readonly string[] }
  /** Tags that differ from what kubeadm would choose. */
  readonly tags: { readonly etcd?: string; readonly coredns?: string }
}

/** Programs on every host, in `bin/` of the rootfs. */
export const hostPrograms = [
  'kubeadm',
  'kubelet',
  'kubectl',
  'containerd',
  'ctr',
  'containerd-shim-runc-v2',
  'runc',
  'registry',
  'helm',
  'etcdctl',
] as const

/** The programs among `all` that have these names. @throws if one is missing. */
export function pick(all: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const path = all[name]
      if (path === undefined) throw new Error(`The program ${name} has not been made.`)
      return [name, path]
    }),
  )
}
