import type { Host } from '@sealer/core'

/** Names of network interfaces that pod networks make: bridges and tunnels of CNI's plugins, flannel, Calico, Cilium and kube-proxy. */
const ownLink =
  /^(cni\d+|cbr\d+|flannel([.-].+)?|kube-ipvs0|nodelocaldns|cali[0-9a-f]{11}|vxlan(-v6)?\.calico|cilium_.+|lxc_health|lxc[0-9a-f]{12})$/

/** The cluster's own among the answers of `ip -o link show`; what hangs on one of them is its as well. */
export function ownLinks(links: string): readonly string[] {
  return links.split('\n').flatMap((line) => {
    const [, name = '', rest = ''] = /^\d+: ([^:@]+)(?:@[^:]+)?: (.*)$/.exec(line) ?? []
    const bridge = /\bmaster (\S+)/.exec(rest)?.[1] ?? ''
    return ownLink.test(name) || ownLink.test(bridge) ? [name] : []
  })
}

/** Takes pods' network namespaces and the cluster's interfaces away; routes over them go with them. */
export async function removeLinks(host: Host): Promise<void> {
  await host.run({ argv: ['sh', '-c', removeNamespaces] })
  const { stdout } = await host.run({ argv: ['ip', '-o', 'link', 'show'], accept: [0, 127] })
  for (const name of ownLinks(stdout)) await host.run({ argv: ['ip', 'link', 'delete', name], accept: [0, 1, 2] })
}

const removeNamespaces = `
for space in /run/netns/cni-* /var/run/netns/cni-*; do
  [ -e "$space" ] || continue
  umount -l "$space" 2>/dev/null
  rm -f "$space"
done
rmdir /run/netns 2>/dev/null
exit 0`
