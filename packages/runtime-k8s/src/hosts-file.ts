import type { KnownHost, Wanted } from '@sealer/core'
import { apiHost } from './kubeadm/documents.ts'
import { isMaster, type Site } from './site.ts'

/**
 * Lines for /etc/hosts. A master is the API server to itself; while it is joining, the others stand behind it. A node has all masters, each
 * node beginning with another one.
 */
export function hostLines(host: KnownHost, site: Site, member: boolean): readonly string[] {
  return [
    ...masterAddresses(host, site, member).map((address) => `${address} ${apiHost}`),
    ...aliasLines(site.context.wanted),
  ]
}

function masterAddresses(host: KnownHost, site: Site, member: boolean): readonly string[] {
  const addresses = site.all.masters.map(({ address }) => address)
  if (isMaster(host)) {
    const own = host.view.address
    return member ? [own] : [own, ...addresses.filter((address) => address !== own)]
  }
  const turn =
    Math.max(
      0,
      site.all.nodes.findIndex(({ name }) => name === host.view.name),
    ) % addresses.length
  return [...addresses.slice(turn), ...addresses.slice(0, turn)]
}

const aliasLines = ({ hostAliases }: Pick<Wanted, 'hostAliases'>) =>
  hostAliases.map(({ ip, hostnames }) => `${ip} ${hostnames.join(' ')}`)

const begin = (cluster: string) => `# begin sealer ${cluster}`
const end = (cluster: string) => `# end sealer ${cluster}`
/** Says that the file had no line end before, so that taking the block out gives the same bytes. */
const unended = ' (no line end before)'

/** The file with our block at its end, replacing one that is there. */
export function withBlock(text: string, cluster: string, lines: readonly string[]): string {
  const own = withoutBlock(text, cluster)
  const ended = own === '' || own.endsWith('\n')
  return `${own}${ended ? '' : '\n'}${begin(cluster)}${ended ? '' : unended}\n${lines.map((line) => `${line}\n`).join('')}${end(cluster)}\n`
}

/** The file as it was before our block, byte for byte. */
export function withoutBlock(text: string, cluster: string): string {
  const start = lineStart(text, begin(cluster))
  const stop = lineStart(text, end(cluster))
  if (start < 0 || stop < start) return text
  const open = text.slice(start, text.indexOf('\n', start))
  const before = open.endsWith(unended) ? text.slice(0, Math.max(0, start - 1)) : text.slice(0, start)
  return `${before}${text.slice(stop + end(cluster).length + 1)}`
}

/** Where a line begins with exactly this mark. */
function lineStart(text: string, mark: string): number {
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
    const next = text.slice(at + mark.length)
    if ((at === 0 || text[at - 1] === '\n') && (next === '' || next.startsWith('\n') || next.startsWith(unended)))
      return at
  }
  return -1
}
