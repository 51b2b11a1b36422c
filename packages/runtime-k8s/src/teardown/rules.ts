/** Chains of iptables that the cluster makes: kube-proxy and kubelet, CNI's plugins, flannel. Rules of the host itself are in others. */
const ownChain = /^(KUBE|CNI|FLANNEL)-/

/**
 * Input for `iptables-restore --noflush` that takes the cluster's rules out of what `iptables-save` has told: jumps into own chains, then the
 * chains. Empty when there is nothing of ours.
 */
export function withoutOwnRules(saved: string): string {
  const tables = saved.split(/^(?=\*)/m).flatMap((table) => {
    const [name, ...lines] = table.split('\n')
    if (name === undefined || !name.startsWith('*')) return []
    const chains = lines.flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []).filter((chain) => ownChain.test(chain))
    const jumps = lines.filter((line) => {
      const [, chain = '', rest = ''] = /^-A (\S+) (.*)$/.exec(line) ?? []
      return (
        chain !== '' &&
        !ownChain.test(chain) &&
        (/-[jg] (KUBE|CNI|FLANNEL)-/.test(rest) || /--comment "?flanneld /.test(rest))
      )
    })
    if (chains.length + jumps.length === 0) return []
    const steps = [
      ...jumps.map((line) => line.replace(/^-A/, '-D')),
      ...chains.map((chain) => `-F ${chain}`),
      ...chains.map((chain) => `-X ${chain}`),
    ]
    return [`${name}\n${steps.join('\n')}\nCOMMIT\n`]
  })
  return tables.join('')
}
