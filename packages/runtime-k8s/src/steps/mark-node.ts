import type { HostSpec, KnownHost, Step } from '@sealer/core'
import { taintsOf } from '../kubeadm/taints.ts'
import type { Members } from '../membership.ts'
import { type Node, nodesOf } from '../nodes.ts'
import type { Site } from '../site.ts'
import { adminKubectl, askingKubectl } from './admin-kubectl.ts'

/** Whether somebody wants marks on this host's node. */
export const wantsMarks = ({ labels = {}, taints = [] }: HostSpec): boolean =>
  Object.keys(labels).length + taints.length > 0

/** Labels and taints of the Clusterfile, on the node. Others stay. */
export const markNode = (host: KnownHost, site: Site, members: Members): Step => ({
  id: `marks/${host.view.name}`,
  title: 'Label and taint the node',
  host: host.view,
  after: [`init/${site.first.view.name}`, `join/${site.first.view.name}`, `join/${host.view.name}`],
  skip: async () => {
    const master = await members.master()
    if (master === undefined || !(await members.has(host))) return undefined
    const nodes = await nodesOf(askingKubectl(master.view, site)).catch(() => [])
    const node = nodes.find(({ metadata }) => metadata?.name === host.view.name)
    return node !== undefined && bears(node, host.view.spec) ? 'the node bears them' : undefined
  },
  do: async (work) => {
    const kubectl = adminKubectl(work.on(site.first.view), site)
    const { name, labels = {} } = host.view.spec
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    if (pairs.length > 0) await kubectl(['label', 'node', name, '--overwrite', ...pairs])
    const node = (await nodesOf(kubectl)).find(({ metadata }) => metadata?.name === name)
    const taints = [
      ...taintTexts(host.view.spec),
      ...unwanted(host.view.spec).filter((taint) => node !== undefined && has(node, taint)),
    ]
    if (taints.length > 0) await kubectl(['taint', 'node', name, '--overwrite', ...taints])
  },
})

function bears(node: Node, spec: HostSpec): boolean {
  const own = node.metadata?.labels ?? {}
  const taints = node.spec?.taints ?? []
  return (
    Object.entries(spec.labels ?? {}).every(([key, value]) => own[key] === value) &&
    taintsOf(spec).every((want) =>
      taints.some(({ key, value, effect }) => key === want.key && value === want.value && effect === want.effect),
    ) &&
    !unwanted(spec).some((taint) => has(node, taint))
  )
}

const taintTexts = (spec: HostSpec) =>
  taintsOf(spec).map(({ key, value, effect }) => `${key}${value === undefined ? '' : `=${value}`}:${effect}`)

/** `key-` and `key:Effect-`: taints that are to go. */
const unwanted = ({ taints = [] }: HostSpec): readonly string[] => taints.filter((taint) => taint.endsWith('-'))

function has(node: Node, taint: string): boolean {
  const [key = '', effect] = taint
    .slice(0, -1)
    .replace(/=[^:]*/, '')
    .split(':')
  return (node.spec?.taints ?? []).some((one) => one.key === key && (effect === undefined || one.effect === effect))
}
