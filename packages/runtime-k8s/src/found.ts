import type { Host } from '@sealer/core'

/** How a host was found, before this cluster touched it. What is taken off later is measured by it. */
export interface Found {
  /** Folder → what was there. */
  readonly paths: Readonly<Record<string, 'absent' | 'empty' | 'filled'>>
  /** Path below /proc/sys → value. */
  readonly sysctls: Readonly<Record<string, string>>
  /** Tables of nftables, e.g. `ip nat`; undefined where the host has no program to ask. */
  readonly tables?: readonly string[]
}

/** Folders, and a lock, that belong to the cluster altogether where there was nothing in them before. */
export const ownFolders = [
  '/etc/kubernetes',
  '/etc/cni',
  '/etc/containerd',
  '/opt/cni',
  '/opt/containerd',
  '/var/lib/kubelet',
  '/var/lib/etcd',
  '/var/lib/containerd',
  '/var/lib/cni',
  '/var/log/pods',
  '/var/log/containers',
  '/usr/libexec/kubernetes',
  '/run/containerd',
  '/run/flannel',
  '/run/nri',
  '/run/sealer',
  '/run/xtables.lock',
]

/** Folders that hold things of others too: taken away when they were made for the cluster and nothing is left in them. */
export const sharedFolders = [
  '/etc/sysctl.d',
  '/etc/modules-load.d',
  '/etc/systemd/system/multi-user.target.wants',
  '/usr/local/bin',
  '/usr/libexec',
  '/etc/ssl/certs',
  '/etc/ssl',
  '/lib/modules',
  '/opt',
]

/** What the cluster needs of the kernel. */
export const neededSysctls: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/bridge/bridge-nf-call-iptables': '1',
  'net/bridge/bridge-nf-call-ip6tables': '1',
}

/** What kubelet and kube-proxy set by themselves. */
const changedSysctls = [
  'vm/overcommit_memory',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'net/ipv4/conf/all/route_localnet',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_tcp_timeout_established',
  'net/netfilter/nf_conntrack_tcp_timeout_close_wait',
]

export const foundFile = (folder: string) => `${folder}/found.json`

/** Notes how the host is, unless that was noted before: a second look would see our own traces. */
export async function noteFound(host: Host, folder: string): Promise<void> {
  if (await host.has(foundFile(folder))) return
  const found: Found = { ...(await lookAround(host)), ...(await tablesOf(host)) }
  await host.write(foundFile(folder), `${JSON.stringify(found, null, 2)}\n`)
}

/** What was noted; a host that was never prepared has nothing of ours. */
export async function readFound(host: Pick<Host, 'read'>, folder: string): Promise<Found | undefined> {
  const text = await host.read(foundFile(folder))
  return text === undefined ? undefined : (JSON.parse(text) as Found)
}

const lookScript = `
for folder in "$@"; do
  case $folder in
    /*)
      if [ ! -e "$folder" ]; then state=absent
      elif [ -d "$folder" ] && [ -z "$(ls -A "$folder")" ]; then state=empty
      else state=filled; fi
      printf 'path %s %s\\n' "$folder" "$state" ;;
    *)
      [ ! -r "/proc/sys/$folder" ] || printf 'sysctl %s %s\\n' "$folder" "$(cat "/proc/sys/$folder")" ;;
  esac
done`

async function lookAround(host: Host): Promise<Pick<Found, 'paths' | 'sysctls'>> {
  const asked = [...ownFolders, ...sharedFolders, ...Object.keys(neededSysctls), ...changedSysctls]
  const lines = (await host.exec('sh', '-c', lookScript, 'sh', ...asked)).split('\n').map((line) => line.split(' '))
  const pairs = (kind: string) =>
    Object.fromEntries(
      lines.filter(([first]) => first === kind).map(([, name = '', ...rest]) => [name, rest.join(' ')]),
    )
  return { paths: pairs('path') as Found['paths'], sysctls: pairs('sysctl') }
}

/** Tables of nftables, where the host has nft, or the image that is entered by `inside`. */
export async function tablesOf(host: Host, inside: readonly string[] = []): Promise<Pick<Found, 'tables'>> {
  const { stdout, exitCode } = await host.run({
    argv: [...inside, 'nft', 'list', 'tables'],
    accept: [0, 1, 125, 126, 127],
  })
  if (exitCode !== 0) return {}
  return { tables: stdout.split('\n').flatMap((line) => /^table (.+)$/.exec(line.trim())?.[1] ?? []) }
}
