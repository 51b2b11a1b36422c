import { type ClusterStatus, type HostView, kubectlBy } from '@sealer/core'
import { adminConfig, adminEnv } from './environment.ts'
import { nodesOf, statusOf } from './nodes.ts'

/** What the cluster says of itself, through the first master that answers: one that is down is not waited for. */
export async function clusterStatus(hosts: readonly HostView[]): Promise<ClusterStatus> {
  const masters = hosts.filter(({ roles }) => roles.includes('master'))
  const answer = await Promise.any(masters.map(askNodes)).catch(() => undefined)
  if (answer !== undefined) {
    const { master, nodes } = answer
    const missing = hosts.filter(({ name }) => !nodes.some((node) => node.name === name))
    const lacking = missing.map(({ name, roles }) => ({
      name,
      ready: false,
      roles,
      version: '',
      reason: 'it is not a node of the cluster',
    }))
    const all = [...nodes, ...lacking]
    const version = nodes.find(({ name }) => name === master.name)?.version
    return {
      state: all.every(({ ready }) => ready) ? 'ready' : 'degraded',
      nodes: all,
      ...(version === undefined ? {} : { version }),
    }
  }
  const traces = await Promise.all(hosts.map((host) => host.has('/etc/kubernetes/kubelet.conf').catch(() => true)))
  return { state: traces.includes(true) ? 'broken' : 'absent', nodes: [] }
}

/** Throws where this master is no control plane, or does not answer. */
async function askNodes(master: HostView) {
  if (!(await master.has(adminConfig))) throw new Error(`${master.name} is no control plane`)
  const kubectl = kubectlBy((command) => master.inquire(command), adminEnv)
  const nodes = await nodesOf(async (args) => await kubectl(['--request-timeout', '10s', ...args]))
  return { master, nodes: nodes.map(statusOf) }
}
