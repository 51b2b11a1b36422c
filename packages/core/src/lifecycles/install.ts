import { join } from 'node:path'
import { checkHosts } from '../checks/check-hosts.ts'
import { cannotInstall } from '../checks/check-image.ts'
import { misfit } from '../checks/check-platform.ts'
import { warned } from '../checks/result.ts'
import { type Distribution, distributionSteps, isMaster, type Receiver } from '../distribution/distribution.ts'
import { clusterPaths } from '../distribution/paths.ts'
import { registryStep } from '../distribution/registry.ts'
import { registryAuthority } from '../distribution/registry-pki.ts'
import { rootfsStep } from '../distribution/rootfs.ts'
import { errors } from '../errors.ts'
import { FutureHost } from '../hosts/future-host.ts'
import { type HostView, platformText } from '../hosts/host.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import type { StoredImage } from '../image/image-store.ts'
import type { InfraHost } from '../infra.ts'
import { launchSteps } from '../launch/launch.ts'
import { type Milestone, makePlan } from '../make-plan.ts'
import type { PlannedWork } from '../plan.ts'
import type { KnownHost, RuntimeContext } from '../runtime.ts'
import type { CheckResult } from '../sealer.ts'
import type { Step } from '../step.ts'
import { meetHosts } from './known-hosts.ts'
import { recordSteps } from './record.ts'
import { clusterFolder, type Run } from './run-context.ts'
import { inOrder, silentMembers } from './silent-members.ts'

/** An install that is planned and not begun. */
export interface InstallWork extends PlannedWork {
  readonly hosts: readonly KnownHost[]
  /** All hosts of the cluster in the wished order, also members that do not answer now. */
  readonly members: readonly HostView[]
  readonly milestones: readonly Milestone[]
  readonly checks: readonly CheckResult[]
  /** False: these steps start hosts that are off; what they hold has to be seen before the rest can be planned. */
  readonly complete: boolean
}

/**
 * Read this function to know what "install" means. Asks the hosts, changes nothing.
 * @throws CHECKS_FAILED with every problem found
 */
export async function planInstall(run: Run): Promise<InstallWork> {
  const { wanted, infra, runtime, foundation, signal } = run
  const { hooks } = foundation
  const stopped = (await infra.observe(wanted, signal)).filter((host) => host.state === 'stopped')
  if (stopped.length > 0) return await planStart(run, stopped)
  const { observed, known, members, receivers, distribution, checks } = await examineHosts(run)
  assertChecks(checks)
  const silent = members.length - known.length

  const context: RuntimeContext = {
    wanted,
    hosts: known,
    members,
    rootfs: clusterPaths(wanted.cluster).rootfs,
    registries: distribution.registries,
    rootfsStep,
    registryStep,
  }
  const distributing = await hooks.distribute.steps.promise(distribution.steps, wanted)
  const installing = runtime.install(context)
  const launching = launchesOf(run, context, { receivers, silent, after: [...distributing, ...installing] })
  const recording = recordSteps(run, known, members, [...installing, ...launching])
  const steps = await hooks.install.steps.promise(
    [...infra.steps(wanted, observed), ...distributing, ...installing, ...launching, ...recording],
    wanted,
  )
  const work = await makePlan(afterTheirHosts(steps, known), { cluster: wanted.cluster, operation: 'install', signal })
  return {
    ...work,
    complete: true,
    hosts: known,
    members,
    checks,
    milestones: [
      { id: 'distribute.arrived', after: idsOf(distributing), happen: () => hooks.distribute.arrived.promise(wanted) },
      { id: 'install.ready', after: idsOf(installing), happen: () => hooks.install.ready.promise(wanted) },
    ],
  }
}

async function planStart({ wanted, infra, signal }: Run, stopped: readonly InfraHost[]): Promise<InstallWork> {
  const work = await makePlan(infra.steps(wanted, stopped), { cluster: wanted.cluster, operation: 'install', signal })
  return { ...work, hosts: [], members: [], milestones: [], checks: [], complete: false }
}

/** What the hosts say, before anything is planned on it. */
export interface Examination {
  readonly observed: readonly InfraHost[]
  readonly known: readonly KnownHost[]
  readonly members: readonly HostView[]
  readonly receivers: readonly Receiver[]
  readonly distribution: Distribution
  readonly checks: readonly CheckResult[]
}

/** Meets the hosts, works out what each lacks of the image, and checks them. Only asks. */
export async function examineHosts(run: Run): Promise<Examination> {
  const { wanted, infra, runtime, foundation, signal } = run
  const { hooks, home, clock, store } = foundation
  const observed = await hooks.install.hosts.promise(await infra.observe(wanted, signal), wanted)
  const met = await meetHosts(observed, run.hosts)
  const { known } = met
  const silent = await silentMembers(wanted.cluster, met, run.hosts)
  const failures = met.failures.filter(({ host }) => !silent.some(({ address }) => address === host.address))
  const members = inOrder(
    observed.map(({ spec }) => spec),
    [...known.map(({ view }) => view), ...silent],
  )
  const { receivers, misfits } = await receiversOf(known, await store.resolve(wanted.image.digest), run)
  const distribution = await distributionSteps({
    cluster: wanted.cluster,
    receivers,
    masters: members.filter(isMaster),
    store,
    registry: { ...wanted.registry, ...(run.pullThrough !== undefined && { pullThrough: run.pullThrough }) },
    authority: await registryAuthority(join(clusterFolder(home, wanted.cluster), 'pki'), wanted.cluster, {
      clock,
      masters: known.filter((host) => host.exists && isMaster(host.view)).map((host) => host.view),
    }),
    clock,
    serve: runtime.delivery === 'hosts',
  })
  const checks = await checkHosts({ hosts: known, failures, wanted, runtime, needBytes: distribution.bytes })
  const [first] = receivers
  const apart = first === undefined ? [] : cannotInstall(wanted.image.reference, first.image.config, runtime)
  for (const { name } of silent) foundation.logger.warn(`${name} does not answer: it is left as it is.`)
  return {
    observed,
    known,
    members,
    receivers,
    distribution,
    checks: [...checks, ...misfits, ...apart, ...silent.map(leftAlone)],
  }
}

const idsOf = (steps: readonly Step[]): readonly string[] => steps.map((step) => step.id)

/** Who receives which variant of the image, and hosts that it has none for. */
async function receiversOf(
  known: readonly KnownHost[],
  image: StoredImage,
  { foundation, wanted }: Run,
): Promise<{ readonly receivers: readonly Receiver[]; readonly misfits: readonly CheckResult[] }> {
  const variants = new Map<string, Promise<PlatformImage>>()
  const variantFor = async (host: KnownHost): Promise<PlatformImage | undefined> => {
    const platform = await foundation.hooks.choose.platform.promise(host.facts, image.platforms)
    if (platform === undefined) return undefined
    const key = platformText(platform)
    const variant = variants.get(key) ?? foundation.store.platform(image, platform)
    variants.set(key, variant)
    return await variant
  }
  const all = await Promise.all(known.map(async (host) => ({ host, variant: await variantFor(host) })))
  return {
    receivers: all.flatMap(({ host, variant }) => (variant === undefined ? [] : [{ ...host, image: variant }])),
    misfits: all.flatMap(({ host, variant }) =>
      variant === undefined ? [misfit(host, wanted.image.reference, image.platforms)] : [],
    ),
  }
}

function assertChecks(checks: readonly CheckResult[]): void {
  const problems = checks.filter((check) => !check.ok)
  if (problems.length === 0) return
  throw errors.CHECKS_FAILED(
    { count: problems.length },
    { problems: problems.map(({ id, host, message, remedy }) => errors.CHECK_FAILED({ id, host, message, remedy })) },
  )
}

const leftAlone = ({ name }: HostView): CheckResult =>
  warned(
    'host-silent',
    name,
    'it belongs to the cluster and does not answer: it is left as it is',
    'Start it, then run the same command again for what has changed meanwhile.',
  )

interface Launching {
  readonly receivers: readonly Receiver[]
  /** How many members do not answer: pods on them are not waited for. */
  readonly silent: number
  readonly after: readonly Step[]
}

/** Apps are launched when the runtime has done all its steps, from the first control plane that answers. */
function launchesOf(
  { wanted, runtime }: Run,
  context: RuntimeContext,
  { receivers, silent, after }: Launching,
): readonly Step[] {
  const first = receivers.find(({ view }) => isMaster(view)) ?? receivers[0]
  if (first === undefined) return []
  const { config } = first.image
  const apps = wanted.apps ?? config.launch
  const cmds = wanted.cmds ?? config.cmds
  if (apps.length + cmds.length === 0) return []
  if (runtime.launchpad === undefined) throw errors.IMAGE_HAS_NO_LAUNCHER({ runtime: runtime.name })
  const launchpad = runtime.launchpad(context.hosts.map(({ view }) => view))
  return launchSteps({ wanted, config, launchpad, rootfs: context.rootfs, after: idsOf(after), silent })
}

/** A host that does not exist yet is made before anything happens on it; from then on it answers for itself. */
function afterTheirHosts(steps: readonly Step[], known: readonly KnownHost[]): readonly Step[] {
  const future = new Map<string, FutureHost>(
    known.flatMap(({ view }) => (view instanceof FutureHost ? [[`host/${view.name}`, view]] : [])),
  )
  return steps.map((step) => {
    const made = future.get(step.id)
    if (made !== undefined) return derived(step, { do: (work) => step.do(work).then(() => made.arrive()) })
    const making = step.host === undefined ? '' : `host/${step.host.name}`
    return future.has(making) && !step.after.includes(making) ? derived(step, { after: [making, ...step.after] }) : step
  })
}

const derived = (step: Step, changes: Partial<Step>): Step => Object.assign(Object.create(step) as Step, changes)
