import { type Kubectl, type KubeObject, type NodeStatus, objectsOf } from '@sealer/core'

/** A node as far as it is read here. */
export interface Node extends KubeObject {
  readonly spec?: {
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[]
  }
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
    readonly nodeInfo?: { readonly kubeletVersion?: string }
  }
}

/** All nodes of the cluster. */
export const nodesOf = async (kubectl: Kubectl): Promise<readonly Node[]> =>
  objectsOf(await kubectl(['get', 'nodes', '-o', 'json'])) as readonly Node[]

const rolePrefix = 'node-role.kubernetes.io/'

/** What a node says of itself. */
export function statusOf({ metadata, status }: Node): NodeStatus {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  const ready = condition?.status === 'True'
  const roles = Object.keys(metadata?.labels ?? {}).flatMap((label) =>
    label.startsWith(rolePrefix) ? [label.slice(rolePrefix.length)] : [],
  )
  return {
    name: metadata?.name ?? '',
    ready,
    roles: roles.includes('control-plane')
      ? ['master', ...roles.filter((role) => role !== 'control-plane')]
      : ['node', ...roles],
    version: status?.nodeInfo?.kubeletVersion ?? '',
    ...(ready ? {} : { reason: condition?.message ?? 'the node has not reported yet' }),
  }
}
