import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { namespaceFile } from './layout.ts'
import { runProgram } from './run-program.ts'

const bridge = 'br0'

/** Addresses of one cluster: 198.18.N.0/24 of the range for benchmarks (RFC 2544), which no site routes. */
export const gatewayOf = (network: number): string => `198.18.${network}.1`
export const addressOf = (network: number, index: number): string => `198.18.${network}.${10 + index}`

/**
 * A namespace with a bridge and nothing else: no uplink, no route, no forwarding. What hosts send elsewhere ends here. The
 * machine's own network is not touched: every link is made inside. Safe to repeat.
 */
export async function makeNetwork(namespace: string, network: number): Promise<void> {
  if (!(await hasNamespace(namespace))) await runProgram('ip', ['netns', 'add', namespace])
  if (await hasLink(namespace, bridge)) return
  await runProgram('nsenter', [
    `--net=${namespaceFile(namespace)}`,
    'sh',
    '-ec',
    // New namespaces take over forwarding from the machine; frames on the bridge must not pass iptables.
    `echo 0 >/proc/sys/net/ipv4/ip_forward
     for file in iptables ip6tables arptables; do
       [ ! -e /proc/sys/net/bridge/bridge-nf-call-$file ] || echo 0 >/proc/sys/net/bridge/bridge-nf-call-$file
     done
     ip link set lo up
     ip link add ${bridge} type bridge forward_delay 0 stp_state 0
     ip addr add ${gatewayOf(network)}/24 dev ${bridge}
     ip link set ${bridge} up`,
  ])
}

/** A wire from the bridge to a namespace of the host's own; an older one is replaced. */
export async function connectHost(
  cluster: string,
  host: { readonly namespace: string; readonly link: string; readonly address: string },
): Promise<void> {
  await disconnectHost(cluster, host)
  const [, , network = '0', last = '0'] = host.address.split('.')
  const mac = [0x02, 0x5e, 0xa1, 0, Number(network), Number(last)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(':')
  await runProgram('ip', ['netns', 'add', host.namespace])
  await runProgram('ip', ['-n', cluster, '-batch', '-'], {
    input: `link add ${host.link} type veth peer name eth0 address ${mac} netns ${host.namespace}
link set ${host.link} master ${bridge} up
`,
  })
  await runProgram('ip', ['-n', host.namespace, '-batch', '-'], {
    // kubelet asks a cloud's metadata service at each start, and waits 11 s where nobody refuses
    input: `link set lo up
link set eth0 up
addr add ${host.address}/24 dev eth0
route add default via ${gatewayOf(Number(network))}
route add unreachable 169.254.0.0/16
`,
  })
}

export async function disconnectHost(
  cluster: string,
  host: { readonly namespace: string; readonly link: string },
): Promise<void> {
  if ((await hasNamespace(cluster)) && (await hasLink(cluster, host.link))) {
    await runProgram('ip', ['-n', cluster, 'link', 'del', host.link])
  }
  await removeNamespace(host.namespace)
}

/** Cuts a host off, or joins it again: it runs on and reaches nobody. */
export async function setLink(cluster: string, link: string, state: 'up' | 'down'): Promise<void> {
  await runProgram('ip', ['-n', cluster, 'link', 'set', link, state])
}

/** Names of the links that are down: hosts that are cut off. */
export async function linksDown(cluster: string): Promise<ReadonlySet<string>> {
  if (!(await hasNamespace(cluster))) return new Set()
  const links = JSON.parse((await runProgram('ip', ['-n', cluster, '-json', 'link', 'show'])) || '[]') as readonly {
    readonly ifname: string
    readonly flags: readonly string[]
  }[]
  return new Set(links.filter(({ flags }) => !flags.includes('UP')).map(({ ifname }) => ifname))
}

/** Drops all frames between hosts; each of them still reaches the others. An empty list lets everything through. */
export async function split(cluster: string, pairs: readonly (readonly [string, string])[]): Promise<void> {
  const rules = pairs.flatMap(([one, other]) => [
    `add rule bridge sealer split iifname ${one} oifname ${other} drop`,
    `add rule bridge sealer split iifname ${other} oifname ${one} drop`,
  ])
  const commands = [
    'add table bridge sealer',
    'add chain bridge sealer split { type filter hook forward priority 0; }',
    'flush chain bridge sealer split',
    ...rules,
  ]
  await runProgram('nsenter', [`--net=${namespaceFile(cluster)}`, 'nft', '-f', '-'], {
    input: `${commands.join('\n')}\n`,
  })
}

/** Safe to repeat. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (existsSync(namespaceFile(namespace))) await runProgram('ip', ['netns', 'del', namespace])
}

/** Names of the namespaces of a cluster's hosts, also of those that no state speaks of any more. */
export async function hostNamespaces(cluster: string): Promise<readonly string[]> {
  const names = await readdir('/run/netns').catch(() => [])
  return names.filter((name) => name.startsWith(`${cluster}.`)).sort()
}

/** A namespace, not only the file that an interrupted `ip netns add` leaves, or somebody who unmounts all of /run. */
async function hasNamespace(namespace: string): Promise<boolean> {
  if (!existsSync(namespaceFile(namespace))) return false
  try {
    await runProgram('nsenter', [`--net=${namespaceFile(namespace)}`, 'true'])
    return true
  } catch {
    await runProgram('ip', ['netns', 'del', namespace])
    return false
  }
}

async function hasLink(namespace: string, link: string): Promise<boolean> {
  return (await runProgram('ip', ['-n', namespace, 'link', 'show', link], { accept: [0, 1] })) !== ''
}
