import { type Clock, systemClock } from '../clock.ts'
import { errors } from '../errors.ts'
import { explainWorkload } from './explain-workload.ts'
import { type Kubectl, type KubeObject, objectsOf } from './kubectl.ts'
import { type Readiness, readinessOf, type Workload, workloadResources, workloadText } from './workload.ts'

/** How long to wait, for what, and who may stop it. */
export interface Patience {
  /** What is awaited, as an error names it, e.g. `the app web`. */
  readonly what: string
  readonly seconds: number
  readonly signal: AbortSignal
  /** How many nodes are known to be silent: a DaemonSet may lack as many pods. */
  readonly silent?: number
  readonly clock?: Clock
}

interface Judged {
  readonly workload: Workload
  readonly object: KubeObject
  readonly readiness: Readiness
}

/**
 * Waits until all workloads are ready; those that are gone meanwhile are not missed.
 * @throws NOT_READY with what is not ready and why, when time is over or one has failed for good
 */
export async function waitForWorkloads(
  kubectl: Kubectl,
  workloads: readonly Workload[],
  patience: Patience,
): Promise<void> {
  const clock = patience.clock ?? systemClock
  const started = clock.now()
  let unready = workloads
  while (unready.length > 0) {
    const seen = await attempt(() => judge(kubectl, unready, patience.silent), patience.signal)
    if (seen !== undefined) {
      const waiting = seen.filter(({ readiness }) => readiness.state !== 'ready')
      unready = waiting.map(({ workload }) => workload)
      if (waiting.some(({ readiness }) => readiness.state === 'failed'))
        throw await notReady(kubectl, waiting, patience, started)
    }
    if (unready.length === 0) return
    if (clock.now() - started > patience.seconds * 1000) throw await notReady(kubectl, seen ?? [], patience, started)
    await clock.sleep(400, patience.signal)
  }
}

async function judge(kubectl: Kubectl, workloads: readonly Workload[], silent?: number): Promise<readonly Judged[]> {
  const namespaces = [...new Set(workloads.map(({ namespace }) => namespace))]
  const found = await Promise.all(
    namespaces.map(async (namespace) => {
      const names = workloads.filter((one) => one.namespace === namespace)
      const paths = names.map(({ kind, name }) => `${workloadResources[kind]}/${name}`)
      const objects = objectsOf(await kubectl(['get', '-n', namespace, '--ignore-not-found', '-o', 'json', ...paths]))
      return names.flatMap((workload) => {
        const object = objects.find(({ kind, metadata }) => kind === workload.kind && metadata?.name === workload.name)
        return object === undefined ? [] : [{ workload, object, readiness: readinessOf(object, silent) }]
      })
    }),
  )
  return found.flat()
}

async function notReady(kubectl: Kubectl, judged: readonly Judged[], patience: Patience, started: number) {
  const clock = patience.clock ?? systemClock
  const waiting = judged.filter(({ readiness }) => readiness.state !== 'ready')
  const paragraphs = await Promise.all(
    waiting.map(async ({ workload, object, readiness }) => {
      const why = readiness.state === 'ready' ? '' : readiness.why
      const lines = (await attempt(() => explainWorkload(kubectl, workload, object), patience.signal)) ?? []
      return [`${workloadText(workload)}: ${why}`, ...lines.map((line) => `  ${line}`)].join('\n')
    }),
  )
  const details = paragraphs.length === 0 ? 'The cluster does not answer.' : paragraphs.join('\n')
  return errors.NOT_READY({ what: patience.what, seconds: Math.round((clock.now() - started) / 1000), details })
}

/** An API server that restarts refuses for a while: that heals, an abort does not. */
async function attempt<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  signal.throwIfAborted()
  try {
    return await ask()
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
