import {
  type Host,
  type HostView,
  type Kubectl,
  networkWorkloads,
  objectsOf,
  type Step,
  systemClock,
  type Workload,
  waitForWorkloads,
} from '@sealer/core'
import { adminEnv } from '../environment.ts'
import { errors } from '../errors.ts'
import { wantedAddons } from '../kubeadm/load-config.ts'
import type { Members } from '../membership.ts'
import { nodesOf, statusOf } from '../nodes.ts'
import { type Site, silentNodes } from '../site.ts'
import { adminKubectl, askingKubectl } from './admin-kubectl.ts'
import { wantsMarks } from './mark-node.ts'

/** All nodes are ready, and everything that the cluster itself consists of runs: then apps can come. */
export const ready = (site: Site, members: Members): Step => ({
  id: 'ready',
  title: 'Wait until the cluster is ready',
  after: [
    'network',
    'dns',
    ...site.context.hosts.flatMap(({ view }) => [
      `kubelet/${view.name}`,
      `join/${view.name}`,
      ...(wantsMarks(view.spec) ? [`marks/${view.name}`] : []),
    ]),
    `init/${site.first.view.name}`,
  ],
  skip: async () => {
    const known = await Promise.all(site.context.hosts.map((host) => members.has(host)))
    if (known.includes(false)) return undefined
    return (await isReady(site)) ? 'the cluster is ready' : undefined
  },
  do: async (work) => {
    const { signal } = work
    const master = work.on(site.first.view)
    const kubectl = adminKubectl(master, site)
    const seconds = site.context.wanted.timeoutSeconds
    await nodesReady(kubectl, site, seconds, signal)
    await waitForWorkloads(kubectl, await systemWorkloads(kubectl, master, site), {
      what: 'The cluster',
      seconds,
      signal,
      silent: silentNodes(site),
    })
  },
})

async function isReady(site: Site): Promise<boolean> {
  const kubectl = askingKubectl(site.first.view, site)
  const { signal } = new AbortController()
  try {
    await nodesReady(kubectl, site, 0, signal)
    await waitForWorkloads(kubectl, await systemWorkloads(kubectl, site.first.view, site), {
      what: 'The cluster',
      seconds: 0,
      signal,
      silent: silentNodes(site),
    })
    return true
  } catch {
    return false
  }
}

/** @throws NODES_NOT_READY */
async function nodesReady(kubectl: Kubectl, site: Site, seconds: number, signal: AbortSignal): Promise<void> {
  const deadline = systemClock.now() + seconds * 1000
  for (;;) {
    const late = systemClock.now() >= deadline
    // An API server that is busy starting may refuse for a moment; when time is over its refusal is the answer.
    const nodes = await nodesOf(kubectl).catch((error) => {
      if (late) throw error
      return []
    })
    const waiting = site.context.hosts.flatMap(({ view }) => {
      const node = nodes.map(statusOf).find(({ name }) => name === view.name)
      return node?.ready === true ? [] : [`${view.name}: ${node?.reason ?? 'it is not a node of the cluster yet'}`]
    })
    if (waiting.length === 0) return
    if (late) throw errors.NODES_NOT_READY({ seconds, nodes: waiting.join('\n') })
    await systemClock.sleep(400, signal)
  }
}

/** What kubeadm made, and the apps for network and storage. */
async function systemWorkloads(kubectl: Kubectl, view: HostView | Host, site: Site): Promise<readonly Workload[]> {
  const addons = await wantedAddons(view, site)
  const names = [
    ...(addons.proxy ? ['daemonsets.apps/kube-proxy'] : []),
    ...(addons.dns ? ['deployments.apps/coredns'] : []),
  ]
  const made =
    names.length === 0
      ? []
      : objectsOf(await kubectl(['get', '-n', 'kube-system', '--ignore-not-found', '-o', 'json', ...names]))
  if (made.length < names.length) throw new Error(`not all of ${names.join(', ')} are there`)
  const config = await site.context.wanted.image.config(site.first.facts.platform)
  const network = await networkWorkloads(view, config, {
    launchpad: { host: view, env: adminEnv },
    rootfs: site.context.rootfs,
  })
  return [
    ...made.flatMap(({ kind, metadata }): Workload[] =>
      kind === 'DaemonSet' || kind === 'Deployment'
        ? [{ kind, namespace: 'kube-system', name: metadata?.name ?? '' }]
        : [],
    ),
    ...network,
  ]
}
