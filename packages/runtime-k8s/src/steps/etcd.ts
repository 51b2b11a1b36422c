import type { Host } from '@sealer/core'
import { pathWith } from '../environment.ts'
import { errors } from '../errors.ts'
import type { Site } from '../site.ts'

const pki = '/etc/kubernetes/pki/etcd'

/** etcdctl of a master with the client certificate that kubeadm has made for health checks. */
export const etcdctl = (...args: readonly string[]): readonly string[] => [
  ...['etcdctl', '--endpoints', 'https://127.0.0.1:2379', '--cacert', `${pki}/ca.crt`],
  ...['--cert', `${pki}/healthcheck-client.crt`, '--key', `${pki}/healthcheck-client.key`],
  ...args,
]

/** Whether etcd runs on this master, not somewhere else. */
export const hasEtcd = (master: Pick<Host, 'has'>): Promise<boolean> => master.has(`${pki}/healthcheck-client.crt`)

/**
 * A control plane that went down between its promotion to a voting member and the end of its join takes the quorum along: the API is silent
 * then, and says nothing of the reason. @throws ETCD_NO_QUORUM
 */
export async function etcdAnswers(
  master: Host,
  site: Site,
  joining: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (!(await hasEtcd(master))) return
  const argv = etcdctl('--command-timeout', '15s', 'endpoint', 'health')
  const { exitCode, stderr } = await master.run({ argv, env: pathWith(site.bin), accept: [0, 1], signal })
  if (exitCode === 0) return
  const reason = stderr.trim().split('\n').at(-1) ?? ''
  throw errors.ETCD_NO_QUORUM({ host: master.name, joining: joining.join(', '), reason })
}
