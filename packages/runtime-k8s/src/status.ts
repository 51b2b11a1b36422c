import { type ClusterStatus, type HostView, kubectlBy } from '@sealer/core'
import { adminConfig, adminEnv } from './environment.ts'
import { nodesOf, statusOf } from './nodes.ts'

/** What the cluster says of itself, through the first master that answers. */
export async function clusterStatus(hosts: readonly HostView[]): Promise<ClusterStatus> {
  const masters = hosts.filter(({ roles }) => roles.includes('master'))
  for (const master of masters) {
    const nodes = await askNodes(master)
    if (nodes === undefined) continue
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

/** Undefined where this master is no control plane, or does not answer. */
async function askNodes(master: HostView) {
  try {
    if (!(await master.has(adminConfig))) return undefined
    const kubectl = kubectlBy((command) => master.inquire(command), adminEnv)
    return (await nodesOf(async (args) => await kubectl(['--request-timeout', '10s', ...args]))).map(statusOf)
  } catch {
    return undefined
  }
}
