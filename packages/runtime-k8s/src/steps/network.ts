import { networkStep, type Step } from '@sealer/core'
import { adminEnv } from '../environment.ts'
import { plannedSubnets } from '../kubeadm/planned.ts'
import type { Site } from '../site.ts'

/** The image's apps for pod network and storage, as soon as there is an API to tell about them. */
export function launchNetwork(site: Site): Step {
  const { podSubnet, serviceSubnet } = plannedSubnets(site)
  return networkStep({
    wanted: site.context.wanted,
    config: () => site.context.wanted.image.config(site.first.facts.platform),
    launchpad: { host: site.first.view, env: adminEnv },
    rootfs: site.context.rootfs,
    env: { PodCIDR: podSubnet, SvcCIDR: serviceSubnet },
    after: [`init/${site.first.view.name}`, `join/${site.first.view.name}`],
  })
}
