// time limit: 1800 s
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host, Images, KnownHost, Runtime, RuntimeContext } from '@sealer/core'
import { infraContract, runSteps, runtimeContract, wantedOn } from '@sealer/core/testing'
import { localClusters } from '@sealer/infra-local'
import { suite } from 'uvu'
import { systemClock } from '../packages/core/src/clock.ts'
import { distributionSteps } from '../packages/core/src/distribution/distribution.ts'
import { clusterPaths } from '../packages/core/src/distribution/paths.ts'
import { registryStep } from '../packages/core/src/distribution/registry.ts'
import { registryAuthority } from '../packages/core/src/distribution/registry-pki.ts'
import { rootfsStep } from '../packages/core/src/distribution/rootfs.ts'
import { createHostPool } from '../packages/core/src/hosts/pool.ts'
import { createImages } from '../packages/core/src/images.ts'
import { silentLogger } from '../packages/core/src/logger.ts'
import { resolveWanted } from '../packages/core/src/resolve-wanted.ts'
import { createSecrets } from '../packages/core/src/secrets.ts'
import { BaremetalInfra } from '../packages/infra-baremetal/src/infra.ts'
import { LocalInfra } from '../packages/infra-local/src/infra.ts'
import { K8sRuntime } from '../packages/runtime-k8s/src/runtime.ts'
import { buildBase } from './support/cluster-images.ts'
import { Site } from './support/site.ts'

// What every infra and every runtime promises, on real hosts: the suites that their unit tests run on fakes. That of infra-local: local.e2e.ts.

const test = suite('contracts')
const lab = `k${process.pid}`
const site = await Site.open()
const root = join(import.meta.dirname, '..')
const clusters = await localClusters({ home: site.home })
const infra = new LocalInfra(clusters)
const secrets = createSecrets()
const pool = createHostPool({
  secrets,
  logger: silentLogger,
  clock: systemClock,
  hostKeys: { kind: 'accept-new' },
  agent: '',
  dial: infra.dial,
})
test.after(async () => {
  await pool[Symbol.asyncDispose]()
  clusters[Symbol.dispose]()
  await site[Symbol.asyncDispose]()
})

/** Two hosts, made when first asked for, and used by all suites below one after the other. */
let made: Promise<readonly Host[]> | undefined
async function realHosts(): Promise<readonly Host[]> {
  made ??= (async () => {
    const options = { counts: { masters: 1, nodes: 1 }, infraOptions: { memoryDisks: true } }
    const wanted = wantedOn([], { cluster: lab, infra: 'local', ...options })
    await runSteps(infra.steps(wanted, await infra.observe(wanted)), [])
    return (await infra.observe(wanted)).map(({ spec }) => pool.host(spec))
  })()
  return await made
}

infraContract(test, async () => ({ infra: new BaremetalInfra(), wanted: wantedOn(await realHosts()) }))

runtimeContract(test, async () => {
  const reference = await buildBase()
  await site.takeImages()
  return await worldOf(new K8sRuntime(secrets, { needsSwapOff: false }), reference)
})

runtimeContract(test, async () => {
  const example = join(site.home, 'example')
  await cp(join(root, 'examples/custom-plugin'), example, { recursive: true })
  await mkdir(join(example, 'node_modules/@sealer'), { recursive: true })
  await symlink(join(root, 'packages/core'), join(example, 'node_modules/@sealer/core'))
  await site.sealer('build', '--no-lock', '--tag', 'beacon:v1', join(example, 'image'))
  const { BeaconRuntime } = await import(join(example, 'runtime.js'))
  return await worldOf(new BeaconRuntime(silentLogger, { port: 8088 }), 'beacon:v1')
})

/** Real hosts with the rootfs of an image, whose masters serve its container images. */
async function worldOf(runtime: Runtime, reference: string) {
  const hosts = await realHosts()
  const images = createImages({ home: site.home, secrets, logger: silentLogger, clock: systemClock })
  return { runtime, hosts, context: await distributed(hosts, images, reference) }
}

async function distributed(hosts: readonly Host[], images: Images, reference: string): Promise<RuntimeContext> {
  const { image } = await resolveWanted({ image: reference, hosts: hosts.map(({ spec }) => spec) }, images)
  const wanted = wantedOn(hosts, { image })
  const known = await Promise.all(
    hosts.map(async (view): Promise<KnownHost> => ({ view, facts: await view.facts(), exists: true })),
  )
  const stored = await images.store.resolve(image.digest)
  const { steps, registries } = await distributionSteps({
    cluster: wanted.cluster,
    receivers: await Promise.all(
      known.map(async (host) => ({ ...host, image: await images.store.platform(stored, host.facts.platform) })),
    ),
    store: images.store,
    registry: wanted.registry,
    authority: await registryAuthority(join(site.home, 'pki'), wanted.cluster, {
      clock: systemClock,
      masters: hosts.filter(({ roles }) => roles.includes('master')),
    }),
    clock: systemClock,
    serve: true,
  })
  await runSteps(steps, hosts)
  return { wanted, hosts: known, rootfs: clusterPaths(wanted.cluster).rootfs, registries, rootfsStep, registryStep }
}

test.run()
