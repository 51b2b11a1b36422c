import type { RegistryMap } from '@sealer/core'
import type { HostFile } from '../host-files.ts'
import { certsFolder } from './config.ts'
import { quoted } from './toml.ts'

/**
 * One hosts.toml per upstream (containerd, docs/hosts.md): the cluster's registries in their order. `server` is what is asked last: containerd
 * takes the upstream itself where nothing is said, so where the upstream must not be asked, the last registry of the cluster stands there.
 */
export function registryHosts(registries: RegistryMap): readonly HostFile[] {
  const files = registries.upstreams.map(({ host, urls }) => ({
    path: `${certsFolder}/${host}/hosts.toml`,
    content: registries.fallback === 'upstream' ? mirrors(urls, registries) : closed(urls, registries),
  }))
  if (registries.others !== undefined) return [...files, forAllOthers(registries.others, registries)]
  const [any] = registries.upstreams.flatMap(({ urls }) => urls)
  if (registries.fallback === 'upstream' || any === undefined) return files
  // What the image lacks is asked of the cluster too, which says "not found" instead of leaving the site.
  const nowhere = new URL('/v2/not-in-this-cluster-image', any).href
  return [...files, forAllOthers([nowhere], registries)]
}

const forAllOthers = (urls: readonly string[], registries: RegistryMap): HostFile => ({
  path: `${certsFolder}/_default/hosts.toml`,
  content: closed(urls, registries),
})

const mirrors = (urls: readonly string[], registries: RegistryMap): string =>
  urls.map((url) => `[host.${quoted(url)}]\n${access(registries, '  ')}`).join('\n')

const closed = (urls: readonly string[], registries: RegistryMap): string =>
  [`server = ${quoted(urls.at(-1) ?? '')}\n${access(registries, '')}`, mirrors(urls.slice(0, -1), registries)]
    .filter((part) => part !== '')
    .join('\n')

const access = ({ ca, clientCertificate, clientKey }: RegistryMap, indent: string): string =>
  [
    'capabilities = ["pull", "resolve"]',
    `ca = ${quoted(ca)}`,
    `client = [[${quoted(clientCertificate)}, ${quoted(clientKey)}]]`,
    'override_path = true',
    'dial_timeout = "2s"',
  ]
    .map((line) => `${indent}${line}\n`)
    .join('')
