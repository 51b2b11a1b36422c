import { type Kubectl, type KubeObject, objectsOf } from './kubectl.ts'
import { condition, readinessOf, type Workload } from './workload.ts'

interface ContainerStatus {
  readonly name: string
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly terminated?: { readonly exitCode?: number; readonly reason?: string }
  }
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly reason?: string } }
}

interface Event extends KubeObject {
  readonly reason?: string
  readonly message?: string
}

const mostPods = 5

/** Lines that say why the pods of a workload are not ready: what their containers wait for, and the last warning about each. */
export async function explainWorkload(
  kubectl: Kubectl,
  workload: Workload,
  object: KubeObject,
): Promise<readonly string[]> {
  const pods = await podsOf(kubectl, workload, object)
  const stuck = pods.filter((pod) => readinessOf({ ...pod, kind: 'Pod' }).state !== 'ready')
  if (stuck.length === 0) return await warningsOf(kubectl, workload.namespace, workload.name)
  const explained = await Promise.all(
    stuck.slice(0, mostPods).map(async (pod) => {
      const name = pod.metadata?.name ?? ''
      const node = pod.spec?.nodeName
      const lines = [...reasonsOf(pod), ...(await warningsOf(kubectl, workload.namespace, name))]
      return lines.map((line) => `${name}${typeof node === 'string' ? ` on ${node}` : ''}: ${line}`)
    }),
  )
  const more = stuck.length > mostPods ? [`and ${stuck.length - mostPods} more pods`] : []
  return [...explained.flat(), ...more].map(printable)
}

async function podsOf(kubectl: Kubectl, workload: Workload, object: KubeObject): Promise<readonly KubeObject[]> {
  if (workload.kind === 'Pod') return [object]
  const labels = (object.spec?.selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels ?? {}
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  if (selector.length === 0) return []
  return objectsOf(await kubectl(['get', 'pods', '-n', workload.namespace, '-l', selector.join(','), '-o', 'json']))
}

function reasonsOf(pod: KubeObject): readonly string[] {
  const status = pod.status ?? {}
  const unscheduled = condition(status, 'PodScheduled')
  if (unscheduled?.status === 'False') return [`not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}`]
  const containers = [status.initContainerStatuses, status.containerStatuses].flatMap(
    (list) => (list ?? []) as ContainerStatus[],
  )
  return containers.flatMap(({ name, state, lastState }) => {
    const ended = state?.terminated ?? lastState?.terminated
    const waits = state?.waiting
    return [
      ...(waits === undefined
        ? []
        : [
            `container ${name} waits: ${[waits.reason, waits.message].filter((part) => part !== undefined).join(': ')}`,
          ]),
      ...(ended === undefined || ended.exitCode === 0
        ? []
        : [`container ${name} ended with exit code ${ended.exitCode} (${ended.reason ?? 'no reason'})`]),
    ]
  })
}

async function warningsOf(kubectl: Kubectl, namespace: string, name: string): Promise<readonly string[]> {
  const selector = `type=Warning,involvedObject.name=${name}`
  const events = objectsOf(
    await kubectl(['get', 'events', '-n', namespace, '--field-selector', selector, '-o', 'json']),
  ) as Event[]
  return events.slice(-1).map((event) => `${event.reason ?? 'Warning'}: ${event.message ?? ''}`)
}

/** One line of bounded length without control characters: the text comes from whoever may write to the cluster. */
const printable = (line: string): string => line.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 400)
