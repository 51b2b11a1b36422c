import { type Host, systemClock } from '@sealer/core'
import { adminEnv, pathWith } from '../environment.ts'
import { apiPort } from '../kubeadm/documents.ts'
import type { Site } from '../site.ts'
import { etcdctl } from './etcd.ts'

const patience = 120

/**
 * Waits until the API server of this very master says that it is ready, and etcd that all of its members are healthy: only then may the next
 * control plane be touched. @throws COMMAND_FAILED with what is not, after two minutes
 */
export async function masterAnswers(host: Host, site: Site, signal: AbortSignal): Promise<void> {
  const env = { ...adminEnv, ...pathWith(site.bin) }
  const server = `https://${host.address.includes(':') ? `[${host.address}]` : host.address}:${apiPort}`
  const external = !(await host.has('/etc/kubernetes/manifests/etcd.yaml'))
  const questions = [
    ['kubectl', '--server', server, 'get', '--raw', '/readyz'],
    ...(external ? [] : [etcdctl('endpoint', 'health', '--cluster')]),
  ]
  for (const argv of questions) {
    const deadline = systemClock.now() + patience * 1000
    for (;;) {
      const late = systemClock.now() > deadline
      const { exitCode } = await host.run({ argv, env, signal, ...(late ? {} : { accept: [0, 1] }) })
      if (exitCode === 0) break
      await systemClock.sleep(300, signal)
    }
  }
}
