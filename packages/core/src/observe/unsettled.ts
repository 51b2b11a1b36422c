import type { KubeObject } from '../launch/kubectl.ts'
import { condition } from '../launch/workload.ts'

interface ContainerStatus {
  readonly name: string
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
}

/** What containers wait for that have their image, or never get one: they ask for nothing more. */
const past = new Set([
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'InvalidImageName',
  'RunContainerError',
])

/** Pods that may still ask for an image, each with the reason. */
export const unsettledPods = (objects: readonly KubeObject[]): readonly string[] =>
  objects.flatMap((pod) => {
    const why = pod.kind === 'Pod' ? unsettled(pod) : undefined
    return why === undefined ? [] : [`${pod.metadata?.namespace}/${pod.metadata?.name}: ${printable(why)}`]
  })

/** Pods that found no place: what they would ask for nobody has seen. */
export const unscheduledPods = (objects: readonly KubeObject[]): readonly string[] =>
  objects
    .filter((pod) => pod.kind === 'Pod' && isUnscheduled(pod))
    .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)

function unsettled(pod: KubeObject): string | undefined {
  const status = pod.status ?? {}
  if (status.phase === 'Succeeded' || status.phase === 'Failed' || isUnscheduled(pod)) return undefined
  const wanted = ['initContainers', 'containers'].flatMap((list) => (pod.spec?.[list] ?? []) as readonly unknown[])
  const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap(
    (list) => (status[list] ?? []) as readonly ContainerStatus[],
  )
  if (statuses.length < wanted.length) return 'its containers are not made yet'
  const waiting = statuses.find(({ state }) => state?.waiting !== undefined && !past.has(state.waiting.reason ?? ''))
  const { reason = 'it waits', message } = waiting?.state?.waiting ?? {}
  return waiting === undefined
    ? undefined
    : `${waiting.name}: ${message === undefined ? reason : `${reason}, ${message}`}`
}

function isUnscheduled({ status = {} }: KubeObject): boolean {
  const scheduled = condition(status, 'PodScheduled')
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable'
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300)
