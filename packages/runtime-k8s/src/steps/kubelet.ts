import type { KnownHost, Step } from '@sealer/core'
import type { Members } from '../membership.ts'

/** On a member the kubelet runs; on any other host kubeadm starts it, when the host joins. */
export const startKubelet = (host: KnownHost, members: Members): Step => ({
  id: `kubelet/${host.view.name}`,
  title: 'Start the kubelet',
  host: host.view,
  after: [`containerd/${host.view.name}`],
  skip: async () => {
    if (!(await members.has(host))) return 'kubeadm starts it when the host joins'
    const { exitCode } = await host.view.inquire({
      argv: ['systemctl', 'is-active', '--quiet', 'kubelet'],
      accept: [0, 1, 3, 4],
    })
    return exitCode === 0 ? 'already running' : undefined
  },
  do: async ({ host: target, signal }) => {
    await target.run({ argv: ['systemctl', 'restart', 'kubelet'], signal })
  },
})
