import type { KnownHost, Step } from '@sealer/core'
import { haveFiles, writeFiles } from '../host-files.ts'
import type { Members } from '../membership.ts'
import type { Site } from '../site.ts'
import { kubeletUnit } from '../units.ts'

/** The kubelet's unit. kubeadm starts it when the host joins; on a member it is started here, should it have been stopped. */
export const installKubelet = (host: KnownHost, site: Site, members: Members): Step => ({
  id: `kubelet/${host.view.name}`,
  title: 'Install the kubelet',
  host: host.view,
  after: [`containerd/${host.view.name}`],
  skip: async () => {
    const { view } = host
    if (!(await haveFiles(view, [kubeletUnit(site.bin)]))) return undefined
    const question = (await members.has(host)) ? 'is-active' : 'is-enabled'
    const { exitCode } = await view.inquire({
      argv: ['systemctl', question, '--quiet', 'kubelet'],
      accept: [0, 1, 3, 4],
    })
    return exitCode === 0 ? 'already installed' : undefined
  },
  do: async ({ host: target, signal }) => {
    await writeFiles(target, [kubeletUnit(site.bin)])
    await target.exec('systemctl', 'daemon-reload')
    await target.exec('systemctl', 'enable', '--quiet', 'kubelet')
    if (await members.has(host)) await target.run({ argv: ['systemctl', 'restart', 'kubelet'], signal })
  },
})
