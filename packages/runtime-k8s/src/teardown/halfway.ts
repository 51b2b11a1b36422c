import type { Host } from '@sealer/core'
import { adminConfig } from '../environment.ts'
import { stopPods } from './stop.ts'
import { unmountBelow } from './unmount.ts'

const traces = [
  adminConfig,
  '/etc/kubernetes/kubelet.conf',
  '/etc/kubernetes/bootstrap-kubelet.conf',
  '/etc/kubernetes/pki',
  '/etc/kubernetes/manifests',
  '/var/lib/etcd/member',
  '/var/lib/kubelet/config.yaml',
]

/**
 * Takes away what a join that did not reach its end has left, so that it can begin anew. Does nothing on a host without such traces.
 * Gives whether there were some.
 */
export async function clearHalfway(host: Host, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await host.run({
    argv: ['sh', '-c', 'for path; do [ ! -e "$path" ] || exit 1; done', 'sh', ...traces],
    accept: [0, 1],
  })
  if (exitCode === 0) return false
  await stopPods(host, signal)
  await unmountBelow(host, ['/var/lib/kubelet/'])
  await host.run({
    argv: [
      'sh',
      '-c',
      'for folder; do rm -rf "$folder"/* "$folder"/.[!.]*; done',
      'sh',
      '/etc/kubernetes',
      '/var/lib/etcd',
      '/var/lib/kubelet',
    ],
    signal,
  })
  return true
}
