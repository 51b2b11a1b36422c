import { type Step, waitForWorkloads } from '@sealer/core'
import { configFile } from '../kubeadm/documents.ts'
import { kubeadm } from '../kubeadm/kubeadm.ts'
import { loadConfig, wantedAddons } from '../kubeadm/load-config.ts'
import type { Members } from '../membership.ts'
import type { Site } from '../site.ts'
import { adminKubectl, askingKubectl } from './admin-kubectl.ts'

/**
 * CoreDNS dials the Service address of the API. Before kube-proxy has written its rules that connect hangs for 30 s, so kube-proxy comes first, on
 * every node that CoreDNS may be sent to.
 */
export const addDns = (site: Site, members: Members): Step => ({
  id: 'dns',
  title: 'Add CoreDNS when kube-proxy runs',
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
    if ((await wantedAddons(master, site)).proxy) {
      await waitForWorkloads(
        adminKubectl(master, site),
        [{ kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' }],
        {
          what: 'kube-proxy',
          seconds: site.context.wanted.timeoutSeconds,
          signal: work.signal,
        },
      )
    }
    const init = config.document('InitConfiguration', {
      nodeRegistration: { name: master.name },
      localAPIEndpoint: { advertiseAddress: master.address },
    })
    await kubeadm(master, site, ['init', 'phase', 'addon', 'coredns'], configFile(init, cluster), work.signal)
  },
})
