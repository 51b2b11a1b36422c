import { Writable } from 'node:stream'
import { builtinPlugins } from './builtin/index.ts'
import { systemClock } from './clock.ts'
import { isMaster } from './distribution/distribution.ts'
import { clusterPaths } from './distribution/paths.ts'
import { errors } from './errors.ts'
import { createHooks } from './hooks.ts'
import { firstToAnswer } from './hosts/first-to-answer.ts'
import { readSshConfig } from './hosts/read-ssh-config.ts'
import { createImages } from './images.ts'
import { executePlan, oneWriter } from './lifecycles/execute-plan.ts'
import type { Examination, InstallWork } from './lifecycles/install.ts'
import { clusterRecords, recordOf } from './lifecycles/record.ts'
import { type Foundation, openRun, type Run } from './lifecycles/run-context.ts'
import { silentLogger } from './logger.ts'
import type { PlannedWork } from './plan.ts'
import { resolveWanted, wantedOfRecord } from './resolve-wanted.ts'
import type { ExecStreams, Sealer, SealerOptions, Watch } from './sealer.ts'
import { createSecrets } from './secrets.ts'
import { createTrust } from './trust/trust.ts'
import type { Wish } from './wish.ts'

/** Plugins in, lifecycles out. Opens nothing by itself: folders are made when something is written. */
export function createSealer(options: SealerOptions): Sealer {
  const { home, logger = silentLogger, clock = systemClock, secrets = createSecrets() } = options
  const hooks = createHooks()
  for (const plugin of [...(options.plugins ?? []), ...builtinPlugins()]) plugin.apply({ hooks })
  const images = createImages({ home, secrets, logger, clock, insecureUnsigned: options.insecureUnsigned === true })
  const records = clusterRecords(home)
  const foundation: Foundation = {
    home,
    hooks,
    store: images.store,
    logger,
    clock,
    secrets,
    hostKeys: options.hostKeys ?? { kind: 'strict' },
    knownHosts: options.knownHosts ?? [],
  }
  const never = new AbortController().signal

  /** One run on the cluster of a wish. */
  async function withWish<T>(wish: Wish, { signal = never }: Watch, work: (run: Run) => Promise<T>): Promise<T> {
    const sshSettings = await readSshConfig(options.sshConfig)
    await using run = await openRun(await resolveWanted(wish, images, { signal, sshSettings }), foundation, signal)
    return await work(run)
  }

  /** One run on a cluster that is remembered. */
  async function withRecord<T>(cluster: string, { signal = never }: Watch, work: (run: Run) => Promise<T>): Promise<T> {
    await using run = await openRun(wantedOfRecord(await records.get(cluster), images), foundation, signal)
    return await work(run)
  }

  const viewsOf = (run: Run) => run.wanted.hosts.map((spec) => run.hosts.view(spec))

  return {
    hooks,
    images,
    trust: createTrust(home, secrets),
    findImages: async (find) => {
      const { findContainerImages } = await import('./lifecycles/find.ts')
      return await findContainerImages(find, { home, hooks, images, clock })
    },
    build: async (build) => {
      const { buildImage } = await import('./lifecycles/build.ts')
      return await buildImage(build, { home, hooks, images, secrets, logger, clock })
    },
    plan: (wish, watch = {}) => withWish(wish, watch, async (run) => (await planInstall(run)).plan),
    apply: (wish, watch = {}) =>
      withWish(wish, watch, async (run) => {
        await using _ = await oneWriter(home, run.wanted.cluster)
        const began = clock.now()
        const started: string[] = []
        let work = await planInstall(run)
        while (!work.complete) {
          started.push(...(await executePlan(run, work, watch)))
          work = await planInstall(run)
        }
        const created = (await records.read(run.wanted.cluster))?.created ?? clock.now()
        await records.write(recordOf(run.wanted, work.members, created))
        const steps = [...started, ...(await executePlan(run, work, watch, work.milestones))]
        const report = {
          cluster: run.wanted.cluster,
          run: run.id,
          status: await run.runtime.status(work.members),
          steps,
          milliseconds: clock.now() - began,
        }
        if (steps.length > 0) await hooks.install.finished.promise(report)
        return report
      }),
    planRemove: (cluster, watch = {}) => withRecord(cluster, watch, async (run) => (await planRemove(run, watch)).plan),
    remove: async (cluster, watch = {}) => {
      await withRecord(cluster, watch, async (run) => {
        await using _ = await oneWriter(home, cluster)
        await executePlan(run, await planRemove(run, watch), watch)
      })
      await records.forget(cluster)
    },
    clusters: () => records.list(),
    cluster: (name) => records.get(name),
    status: (cluster, watch = {}) => withRecord(cluster, watch, (run) => run.runtime.status(viewsOf(run))),
    kubeconfig: (cluster, watch = {}) =>
      withRecord(cluster, watch, async (run) => {
        if (run.runtime.kubeconfig === undefined) throw errors.IMAGE_HAS_NO_LAUNCHER({ runtime: run.runtime.name })
        return await run.runtime.kubeconfig(viewsOf(run))
      }),
    exec: (cluster, argv, { input, onOutput, terminal }, watch = {}) =>
      withRecord(cluster, watch, async (run) => {
        const launchpad = run.runtime.launchpad?.([await firstToAnswer(viewsOf(run).filter(isMaster))])
        if (launchpad === undefined) throw errors.IMAGE_HAS_NO_LAUNCHER({ runtime: run.runtime.name })
        const { exitCode } = await run.hosts.host(launchpad.host.spec).run({
          argv,
          env: launchpad.env,
          cwd: clusterPaths(cluster).rootfs,
          accept: Array.from({ length: 256 }, (_, code) => code),
          output: toCaller(onOutput),
          onLine: (line, stream) => stream === 'stderr' && onOutput(Buffer.from(`${line}\n`), stream),
          ...(terminal === undefined ? {} : { terminal }),
          ...(input === undefined ? {} : { input }),
          ...(watch.signal === undefined ? {} : { signal: watch.signal }),
        })
        return exitCode
      }),
    check: (wish, watch = {}) => withWish(wish, watch, async (run) => (await examineHosts(run)).checks),
    [Symbol.asyncDispose]: async () => {},
  }
}

// Each lifecycle is loaded when it is first lived: most commands start without all but one of them.
async function planInstall(run: Run): Promise<InstallWork> {
  const install = await import('./lifecycles/install.ts')
  return await install.planInstall(run)
}

async function planRemove(run: Run, options: { readonly force?: boolean }): Promise<PlannedWork> {
  const remove = await import('./lifecycles/remove.ts')
  return await remove.planRemove(run, options)
}

async function examineHosts(run: Run): Promise<Examination> {
  const install = await import('./lifecycles/install.ts')
  return await install.examineHosts(run)
}

const toCaller = (onOutput: ExecStreams['onOutput']): Writable =>
  new Writable({
    write(chunk, _, written) {
      onOutput(chunk, 'stdout')
      written()
    },
  })
