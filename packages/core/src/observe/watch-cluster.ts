import type { Clock } from '../clock.ts'
import { type Kubectl, type KubeObject, objectsOf } from '../launch/kubectl.ts'
import type { Askers } from './askers.ts'
import { observeErrors } from './errors.ts'
import type { RecordingProxy } from './recording-proxy.ts'
import { unscheduledPods, unsettledPods } from './unsettled.ts'

/** What is watched, and how patiently. */
export interface Watching {
  readonly kubectl: Kubectl
  readonly proxy: Pick<RecordingProxy, 'refused' | 'lastNews'>
  readonly askers: Askers
  /** Seconds in which nothing new may happen. */
  readonly settleSeconds: number
  /** Seconds for everything. */
  readonly timeoutSeconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** How a watch has ended. */
export type Ending =
  /** Everything is launched, and nothing more is asked for. */
  | { readonly kind: 'settled'; readonly unscheduled: readonly string[] }
  /** Something is asked for that cannot be had, and nothing else happens any more. */
  | { readonly kind: 'stalled' }
  /** Launching has failed. */
  | { readonly kind: 'failed' }

const lookEvery = 3_000

/**
 * Looks at the pods of a cluster while it is made and launched, until it has come to rest: launched, no pod that may still ask for an image,
 * and nothing new for a while.
 * @throws OBSERVE_TIMEOUT with what is still under way
 */
export async function watchCluster(launching: Promise<unknown>, watching: Watching): Promise<Ending> {
  const { kubectl, proxy, askers, clock, signal } = watching
  const began = clock.now()
  const settle = watching.settleSeconds * 1000
  const launch = { state: 'under way' as 'under way' | 'done' | 'failed' }
  let news = began
  void launching.then(
    () => {
      launch.state = 'done'
      news = clock.now()
    },
    () => {
      launch.state = 'failed'
    },
  )
  let pods = ''
  for (;;) {
    const objects = await look(kubectl)
    signal.throwIfAborted()
    if (launch.state === 'failed') return { kind: 'failed' }
    if (objects !== undefined) askers.look(objects)
    const seen = objects === undefined ? pods : podsIn(objects)
    if (seen !== pods) news = clock.now()
    pods = seen
    const quiet = clock.now() - Math.max(news, proxy.lastNews) >= settle
    if (quiet && proxy.refused.length > 0) return { kind: 'stalled' }
    const unsettled = objects === undefined ? ['the cluster does not answer'] : unsettledPods(objects)
    if (quiet && launch.state === 'done' && unsettled.length === 0) {
      askers.hear(await events(kubectl))
      return { kind: 'settled', unscheduled: unscheduledPods(objects ?? []) }
    }
    if (clock.now() - began > watching.timeoutSeconds * 1000) {
      const details = launch.state === 'done' ? unsettled : ['the launch commands have not ended', ...unsettled]
      throw observeErrors.OBSERVE_TIMEOUT({ seconds: watching.timeoutSeconds, details })
    }
    await clock.sleep(lookEvery, signal)
  }
}

/** Undefined while there is no cluster that answers. */
const look = async (kubectl: Kubectl): Promise<readonly KubeObject[] | undefined> =>
  await kubectl(['get', 'pods,replicasets.apps,jobs.batch', '-A', '-o', 'json']).then(objectsOf, () => undefined)

const events = async (kubectl: Kubectl): Promise<readonly KubeObject[]> =>
  await kubectl(['get', 'events', '-A', '--field-selector', 'reason=Pulling', '-o', 'json']).then(objectsOf, () => [])

/** Changes when pods come or go. */
const podsIn = (objects: readonly KubeObject[]): string =>
  objects
    .flatMap(({ kind, metadata }) => (kind === 'Pod' ? [`${metadata?.namespace}/${metadata?.name}`] : []))
    .sort()
    .join('\n')
