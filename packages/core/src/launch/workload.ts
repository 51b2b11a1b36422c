import type { KubeObject } from './kubectl.ts'

/** Something that runs pods, by its place in the API. */
export interface Workload {
  readonly kind: WorkloadKind
  readonly namespace: string
  readonly name: string
}

/** The kinds whose readiness is awaited → their full resource names. */
export const workloadResources = {
  Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps',
  DaemonSet: 'daemonsets.apps',
  ReplicaSet: 'replicasets.apps',
  Job: 'jobs.batch',
  Pod: 'pods',
} as const

export type WorkloadKind = keyof typeof workloadResources

/** The workloads among objects; what a controller of these made itself is left to its controller. */
export function workloadsAmong(objects: readonly KubeObject[]): readonly Workload[] {
  return objects.flatMap(({ kind, metadata }) =>
    kind !== undefined && kind in workloadResources && metadata?.name !== undefined
      ? [{ kind: kind as WorkloadKind, namespace: metadata.namespace ?? 'default', name: metadata.name }]
      : [],
  )
}

/** `Deployment web/api` as a user reads it. */
export const workloadText = ({ kind, namespace, name }: Workload): string => `${kind} ${namespace}/${name}`

/** How far a workload is; `failed` will not heal by waiting. */
export type Readiness = { readonly state: 'ready' } | { readonly state: 'waiting' | 'failed'; readonly why: string }

const ready: Readiness = { state: 'ready' }
const waiting = (why: string): Readiness => ({ state: 'waiting', why })

/**
 * Judges a workload by its status, by the rules of `kubectl rollout status` and `kubectl wait`.
 * @param silent nodes that are known not to answer: a DaemonSet may lack as many pods
 */
export function readinessOf(object: KubeObject, silent = 0): Readiness {
  const spec = object.spec ?? {}
  const status = object.status ?? {}
  const number = (key: string) => (typeof status[key] === 'number' ? status[key] : 0)
  const replicas = typeof spec.replicas === 'number' ? spec.replicas : 1
  const unseen = number('observedGeneration') < (object.metadata?.generation ?? 0)
  switch (object.kind) {
    case 'Deployment':
      if (unseen) return waiting('its controller has not seen it yet')
      if (number('updatedReplicas') < replicas)
        return waiting(`${number('updatedReplicas')} of ${replicas} pods are made`)
      if (number('replicas') > number('updatedReplicas')) return waiting('pods of the version before are still there')
      return enough(number('availableReplicas'), replicas, 'available')
    case 'StatefulSet':
      if (unseen) return waiting('its controller has not seen it yet')
      return enough(number('readyReplicas'), replicas, 'ready')
    case 'ReplicaSet':
      return enough(number('readyReplicas'), replicas, 'ready')
    case 'DaemonSet': {
      if (unseen) return waiting('its controller has not seen it yet')
      const desired = number('desiredNumberScheduled') - silent
      const rolling = (spec.updateStrategy as { type?: string } | undefined)?.type !== 'OnDelete'
      if (rolling && number('updatedNumberScheduled') < desired) {
        return waiting(`${number('updatedNumberScheduled')} of ${desired} pods are made`)
      }
      return enough(number('numberAvailable'), desired, 'available')
    }
    case 'Job': {
      if (spec.suspend === true || holds(status, 'Complete')) return ready
      const failed = condition(status, 'Failed')
      if (failed?.status === 'True') return { state: 'failed', why: failed.message ?? 'it has failed' }
      return waiting('it has not completed')
    }
    case 'Pod':
      if (status.phase === 'Succeeded' || holds(status, 'Ready')) return ready
      if (status.phase === 'Failed') return { state: 'failed', why: 'it has failed' }
      return waiting(`its phase is ${String(status.phase ?? 'Pending')}`)
    default:
      return ready
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** A condition of a status, by its type. */
export const condition = (status: Readonly<Record<string, unknown>>, type: string): Condition | undefined =>
  ((status.conditions ?? []) as readonly Condition[]).find((one) => one.type === type)

const holds = (status: Readonly<Record<string, unknown>>, type: string) => condition(status, type)?.status === 'True'

const enough = (have: number, want: number, what: string): Readiness =>
  have >= want ? ready : waiting(`${have} of ${want} pods are ${what}`)
