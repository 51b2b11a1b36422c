import { type Host, type HostView, type Kubectl, kubectlBy } from '@sealer/core'
import { adminEnv, pathWith } from '../environment.ts'
import type { Site } from '../site.ts'

/** kubectl on a master, as administrator. */
export const adminKubectl = (host: Host, site: Site): Kubectl =>
  kubectlBy((command) => host.run(command), { ...adminEnv, ...pathWith(site.bin) })

/** The same for questions, while a plan is made. */
export const askingKubectl = (view: HostView, site: Site): Kubectl =>
  kubectlBy((command) => view.inquire(command), { ...adminEnv, ...pathWith(site.bin) })
