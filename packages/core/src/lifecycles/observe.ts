import { join } from 'node:path'
import { clusterPaths } from '../distribution/paths.ts'
import { registryAuthority } from '../distribution/registry-pki.ts'
import { errors } from '../errors.ts'
import { platformText } from '../hosts/host.ts'
import type { CarriedImage } from '../image/cluster-config.ts'
import type { PlatformParts } from '../image/cluster-image.ts'
import { gather } from '../image/gather.ts'
import { platformFits } from '../image/oci.ts'
import { fullName, parseReference } from '../image/reference.ts'
import type { RegistryClient } from '../image/registry-client.ts'
import { placeEnv } from '../launch/app-commands.ts'
import { type Kubectl, kubectlBy } from '../launch/kubectl.ts'
import { makePlan } from '../make-plan.ts'
import type { ServedImage } from '../manifests/carry-images.ts'
import { machinePlatform } from '../manifests/programs.ts'
import { Askers } from '../observe/askers.ts'
import { observeErrors } from '../observe/errors.ts'
import { type ObservedImage, RecordingProxy, type RefusedImage } from '../observe/recording-proxy.ts'
import { serveProxy } from '../observe/serve-proxy.ts'
import { watchCluster } from '../observe/watch-cluster.ts'
import type { RunEvent } from '../run-events.ts'
import type { ObserveOptions } from '../sealer.ts'
import type { ObservedReport } from './build-types.ts'
import type { BuildServices, Workshop } from './build-workshop.ts'
import { executePlan } from './execute-plan.ts'
import { planInstall } from './install.ts'
import { clusterFolder, type Run } from './run-context.ts'
import { ThrowAways } from './throw-away-cluster.ts'

/** All platforms of an image, with what an observed cluster asked for. Disposed of once the image has its name. */
export interface ObservedParts extends AsyncDisposable {
  readonly parts: readonly PlatformParts[]
  readonly observed: readonly ObservedReport[]
}

/**
 * Read this function to know what "observe" means. A cluster is made of the image, with no way out but a proxy that fetches and writes
 * down; what it asked for is packed. A second one, its proxy closed, proves that nothing is missing.
 * @throws OBSERVE_UNAVAILABLE, OBSERVE_INCOMPLETE, OBSERVE_TIMEOUT, and what making and launching a cluster throws
 */
export async function observeCluster(
  parts: readonly PlatformParts[],
  options: ObserveOptions,
  workshop: Workshop,
  services: BuildServices,
): Promise<ObservedParts> {
  const own = observable(parts)
  const throwAways = await ThrowAways.open(services)
  try {
    const pass = new Pass(own, options, workshop, services, throwAways)
    const seen = await observeAndProve(parts, own, pass, workshop)
    return { ...seen, [Symbol.asyncDispose]: () => throwAways[Symbol.asyncDispose]() }
  } catch (error) {
    await throwAways[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Local hosts run as root of this machine: so does what the base brings. Made here, or signed by a key that is trusted, it may.
 * @throws OBSERVE_UNTRUSTED, SIGNATURE_MISSING …
 */
export async function requireTrusted(
  base: string | undefined,
  { insecure = false }: ObserveOptions,
  { images }: BuildServices,
): Promise<void> {
  if (base === undefined || insecure) return
  const { kind } = await images.standing(base)
  if (kind === 'unproven') throw observeErrors.OBSERVE_UNTRUSTED({ image: base })
}

async function observeAndProve(
  parts: readonly PlatformParts[],
  own: PlatformParts,
  pass: Pass,
  workshop: Workshop,
): Promise<Omit<ObservedParts, keyof AsyncDisposable>> {
  const { say, logger } = workshop
  const first = await pass.look(parts, { closed: false })
  if (first.refused.length > 0) throw observeErrors.OBSERVE_UNAVAILABLE({ images: first.refused.map(first.explain) })
  for (const pod of first.unscheduled)
    logger.warn(`The pod ${pod} found no place, so nobody saw which images it needs.`)
  const served = first.observed.filter(({ reference }) => !isCarried(reference, own.images)).map(first.serve)
  if (served.length === 0) {
    say('observe: the cluster asked for nothing that the image lacks')
    return { parts, observed: [] }
  }

  const complete = await withServed(parts, served, workshop, pass.signal)
  const second = await pass.look(complete, { closed: true })
  const carried = complete[parts.indexOf(own)]?.images ?? []
  const missing = second.refused.filter(({ reference }) => !isCarried(reference, carried))
  if (missing.length > 0) throw observeErrors.OBSERVE_INCOMPLETE({ images: missing.map(second.explain) })
  say('observe: a second cluster without any registry came up: the image is complete')
  return { parts: complete, observed: served.map(({ reference, digest, reasons }) => ({ reference, digest, reasons })) }
}

/** The platform of this machine, of an image that a cluster can be made of. */
function observable(parts: readonly PlatformParts[]): PlatformParts {
  const machine = machinePlatform()
  const own = parts.find(({ platform }) => platformFits(machine, platform))
  if (own === undefined) {
    const platforms = parts.map(({ platform }) => platformText(platform)).join(', ')
    throw observeErrors.OBSERVE_PLATFORM({ machine: platformText(machine), platforms })
  }
  if (own.config.type !== 'kube-installer' || own.layers.length === 0) throw observeErrors.OBSERVE_NO_CLUSTER({})
  return own
}

/** Whether hosts find an image in the cluster: by its name, or by a digest among what is carried of its repository. */
function isCarried(reference: string, images: readonly CarriedImage[]): boolean {
  const { digest, ...name } = parseReference(reference)
  if (digest === undefined) return images.some((image) => image.reference === reference)
  const repository = fullName({ registry: name.registry, repository: name.repository })
  return images.some(({ reference: other, blobs }) => {
    const { registry, repository: path } = parseReference(other)
    return fullName({ registry, repository: path }) === repository && blobs.some((blob) => blob.digest === digest)
  })
}

async function withServed(
  parts: readonly PlatformParts[],
  served: readonly ServedImage[],
  { carrier, say }: Workshop,
  signal: AbortSignal,
): Promise<readonly PlatformParts[]> {
  for (const { reference, reasons } of served) say(`observe: ${reference} (${reasons.join(', ')})`)
  const complete = async (one: PlatformParts, stop: AbortSignal): Promise<PlatformParts> => {
    const missing = served.filter(({ reference }) => !isCarried(reference, one.images))
    return { ...one, images: [...one.images, ...(await carrier.carryServed(missing, one.platform, stop))] }
  }
  return await gather(parts, complete, { limit: parts.length, signal })
}

/** What a cluster was seen to ask for. */
class Sight {
  readonly observed: readonly ObservedImage[]
  readonly refused: readonly RefusedImage[]
  readonly unscheduled: readonly string[]
  readonly #askers: Askers

  constructor({ observed, refused }: RecordingProxy, askers: Askers, unscheduled: readonly string[]) {
    this.observed = observed
    this.refused = refused
    this.unscheduled = unscheduled
    this.#askers = askers
  }

  readonly serve = ({ reference, digest }: ObservedImage): ServedImage => {
    const { apps, who } = this.#askers.of(reference)
    return { reference, digest, apps, reasons: who.length === 0 ? ['observed'] : who.map((one) => `observed: ${one}`) }
  }

  readonly explain = ({ reference, reason }: RefusedImage) => ({
    reference,
    who: this.#askers.of(reference).who,
    ...(reason.startsWith(reference) ? {} : { reason }),
  })
}

/** Makes clusters of images and looks at them. */
class Pass {
  readonly signal: AbortSignal
  readonly #own: PlatformParts
  readonly #options: ObserveOptions
  readonly #workshop: Workshop
  readonly #services: BuildServices
  readonly #throwAways: ThrowAways

  constructor(
    own: PlatformParts,
    options: ObserveOptions,
    workshop: Workshop,
    services: BuildServices,
    throwAways: ThrowAways,
  ) {
    this.signal = workshop.options.signal ?? new AbortController().signal
    this.#throwAways = throwAways
    this.#own = own
    this.#options = options
    this.#workshop = workshop
    this.#services = services
  }

  async look(parts: readonly PlatformParts[], { closed }: { readonly closed: boolean }): Promise<Sight> {
    const { hosts = 1, timeoutSeconds = 900, wish = {} } = this.#options
    const { hooks, source, say } = this.#workshop
    const asked = { ...wish, infra: wish.infra ?? 'local', counts: { masters: 1, nodes: hosts - 1 }, timeoutSeconds }
    const kind = closed ? 'closed' : 'open'
    const cluster = this.#throwAways.nameOf(kind)
    const wished = await hooks.build.observe.promise(asked, source)
    say(`observe: make the cluster ${cluster}${closed ? ', without any registry' : ''}`)
    const stop = new AbortController()
    const signal = AbortSignal.any([this.signal, stop.signal])
    return await this.#throwAways.with({ kind, parts, wish: wished }, signal, async (run) => {
      try {
        return await this.#lookAt(run, closed, stop)
      } finally {
        say(`observe: remove the cluster ${cluster}`)
      }
    })
  }

  async #lookAt(run: Run, closed: boolean, stop: AbortController): Promise<Sight> {
    const { say, lock, store } = this.#workshop
    const { clock, home } = this.#services
    const { infra, wanted, signal } = run
    const { inlet } = infra
    if (inlet === undefined) throw observeErrors.OBSERVE_INFRA({ infra: infra.name })
    const onEvent = (event: RunEvent) => void (event.type === 'step-started' && say(`observe: ${stepText(event)}`))
    await makeHosts(run, onEvent)

    const { platform, config } = this.#own
    await using client = await registryClient(this.#services)
    const proxy = new RecordingProxy({
      client,
      blobs: store.blobs,
      closed,
      clock,
      signal,
      onAsked: (reference) => say(`observe: ${reference} is asked for`),
      pinned: (reference) => {
        lock?.requireAll('images', [reference], platform)
        return lock?.pinned('images', reference, platform) ?? reference
      },
    })
    const folder = join(clusterFolder(home, wanted.cluster), 'pki')
    const authority = await registryAuthority(folder, wanted.cluster, { clock, masters: [] })
    await using served = await serveProxy(proxy, authority, (accept) =>
      inlet.call(infra, wanted.cluster, accept, signal),
    )

    const proxied = { ...run, pullThrough: served.url }
    const work = await planInstall(proxied)
    const askers = new Askers(config)
    const launching = executePlan(proxied, work, { onEvent }, work.milestones)
    try {
      const { settleSeconds = 30, timeoutSeconds = 900 } = this.#options
      const kubectl = kubectlOn(proxied, work.hosts)
      const watching = { kubectl, proxy, askers, clock, settleSeconds, timeoutSeconds, signal }
      const ending = await watchCluster(launching, watching)
      // What cannot be had explains why launching has failed.
      if (ending.kind === 'failed' && proxy.refused.length === 0) await launching
      return new Sight(proxy, askers, ending.kind === 'settled' ? ending.unscheduled : [])
    } finally {
      stop.abort()
      await launching.catch(() => {})
    }
  }
}

/** With it comes the HTTP library. */
async function registryClient(services: BuildServices): Promise<RegistryClient> {
  const { RegistryClient } = await import('../image/registry-client.ts')
  return new RegistryClient(services)
}

/** The hosts alone: the proxy's address belongs to their network. */
async function makeHosts({ infra, wanted, ...run }: Run, onEvent: (event: RunEvent) => void): Promise<void> {
  const steps = infra.steps(wanted, await infra.observe(wanted, run.signal))
  const work = await makePlan(steps, { cluster: wanted.cluster, operation: 'install', signal: run.signal })
  await executePlan({ infra, wanted, ...run }, work, { onEvent })
}

/** kubectl on a control plane, for what only asks. */
function kubectlOn({ runtime, wanted }: Run, hosts: Awaited<ReturnType<typeof planInstall>>['hosts']): Kubectl {
  const launchpad = runtime.launchpad?.(hosts.map(({ view }) => view))
  if (launchpad === undefined) throw errors.IMAGE_HAS_NO_LAUNCHER({ runtime: wanted.runtime })
  const rootfs = clusterPaths(wanted.cluster).rootfs
  return kubectlBy((command) => launchpad.host.inquire(command), placeEnv({ launchpad, rootfs }, {}))
}

const stepText = ({ title, host }: { readonly title: string; readonly host?: string }): string =>
  host === undefined ? title : `${host}: ${title}`
