import { type Host, networkWorkloads, type Step, type Workload, waitForWorkloads } from '@sealer/core'
import { adminEnv } from '../environment.ts'
import { dnsManifest } from '../kubeadm/dns-manifest.ts'
import { configFile } from '../kubeadm/documents.ts'
import { kubeadm } from '../kubeadm/kubeadm.ts'
import { loadConfig, wantedAddons } from '../kubeadm/load-config.ts'
import type { Members } from '../membership.ts'
import { type Site, silentNodes } from '../site.ts'
import { adminKubectl, askingKubectl } from './admin-kubectl.ts'

/**
 * CoreDNS dials the Service address of the API. Before kube-proxy has written its rules that connect hangs for 30 s, and a pod that comes to a node before
 * its network is tried again only after 15 s: so both come first, on every node that CoreDNS may be sent to.
 */
export const addDns = (site: Site, members: Members): Step => ({
  id: 'dns',
  title: 'Add CoreDNS when kube-proxy and the pod network run',
  after: [
    'network',
    `init/${site.first.view.name}`,
    `join/${site.first.view.name}`,
    ...site.nodes.map(({ view }) => `join/${view.name}`),
  ],
  skip: async () => {
    const master = await members.master()
    if (master === undefined) return undefined
    if (!(await wantedAddons(master.view, site)).dns) return 'the cluster has another DNS'
    const found = await askingKubectl(
      master.view,
      site,
    )(['get', 'deployment', '-n', 'kube-system', '--ignore-not-found', '-o', 'name', 'coredns']).catch(() => '')
    return found.trim() === '' ? undefined : 'CoreDNS is there'
  },
  do: async (work) => {
    const master = work.on(site.first.view)
    const config = await loadConfig(master, site)
    const cluster = config.document('ClusterConfiguration')
    await waitForWorkloads(adminKubectl(master, site), await forerunners(master, site), {
      what: 'kube-proxy with the pod network',
      seconds: site.context.wanted.timeoutSeconds,
      signal: work.signal,
      silent: silentNodes(site),
    })
    const init = config.document('InitConfiguration', {
      nodeRegistration: { name: master.name },
      localAPIEndpoint: { advertiseAddress: master.address },
    })
    const print = ['init', 'phase', 'addon', 'coredns', '--print-manifest']
    const printed = await kubeadm(master, site, print, configFile(init, cluster), work.signal)
    // In kubeadm's name: what an upgrade of it changes later is its own.
    await adminKubectl(master, site)(
      ['apply', '--server-side', '--force-conflicts', '--field-manager=kubeadm', '-f', '-'],
      dnsManifest(printed),
    )
  },
})

async function forerunners(master: Host, site: Site): Promise<readonly Workload[]> {
  const config = await site.context.wanted.image.config(site.first.facts.platform)
  const place = { launchpad: { host: master, env: adminEnv }, rootfs: site.context.rootfs }
  const proxy: Workload = { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' }
  return [
    ...((await wantedAddons(master, site)).proxy ? [proxy] : []),
    ...(await networkWorkloads(master, config, place)),
  ]
}
