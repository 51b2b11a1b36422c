import { forgetSteps } from '../distribution/distribution.ts'
import { clusterPaths } from '../distribution/paths.ts'
import { registryMap, registryStep } from '../distribution/registry.ts'
import { rootfsStep } from '../distribution/rootfs.ts'
import { errors } from '../errors.ts'
import { makePlan } from '../make-plan.ts'
import type { PlannedWork } from '../plan.ts'
import type { RuntimeContext } from '../runtime.ts'
import { meetHosts } from './known-hosts.ts'
import type { Run } from './run-context.ts'

/**
 * Read this function to know what "remove" means. Hosts that the infra made are given back to it as they are; from hosts that were given,
 * the cluster is taken off, and they are left as they were found. Asks only.
 * @throws HOSTS_FAILED when hosts do not answer and `force` is not set
 */
export async function planRemove(run: Run, { force = false }: { readonly force?: boolean } = {}): Promise<PlannedWork> {
  const { wanted, infra, runtime, signal, foundation } = run
  const frame = { cluster: wanted.cluster, operation: 'remove', signal } as const
  const observed = (await infra.observe(wanted, signal)).filter((host) => host.state !== 'absent')
  const releasing = infra.release(wanted.cluster, observed)
  if (releasing.length > 0) return await makePlan(releasing, frame)

  const { known, failures } = await meetHosts(observed, run.hosts)
  if (failures.length > 0 && !force) {
    throw errors.HOSTS_FAILED(
      { failed: failures.length, of: observed.length },
      { problems: failures.map(({ error }) => error) },
    )
  }
  for (const { host } of failures)
    foundation.logger.warn(`${host.name} does not answer: what it holds of the cluster stays there.`)
  const context: RuntimeContext = {
    wanted,
    hosts: known,
    rootfs: clusterPaths(wanted.cluster).rootfs,
    registries: registryMap(wanted.cluster, [], [], wanted.registry),
    rootfsStep,
    registryStep,
  }
  const removing = runtime.remove(context)
  const forgetting = known.flatMap(({ view }) => {
    const before = removing
      .filter((step) => step.host === undefined || step.host.name === view.name)
      .map((step) => step.id)
    return forgetSteps(view, before)
  })
  return await makePlan([...removing, ...forgetting], frame)
}
