// time limit: 240 s
import { readdir } from 'node:fs/promises'
import { request } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { type RegistryAuthority, registryAuthority } from '../distribution/registry-pki.ts'
import type { SealerError } from '../errors.ts'
import { type RegistryDouble, registryDouble } from '../image/registry-double.test.support.ts'
import type { Infra, Inlet } from '../infra.ts'
import { machinePlatform } from '../manifests/programs.ts'
import type { Runtime, RuntimeContext } from '../runtime.ts'
import type { BuildOptions, ObserveOptions } from '../sealer.ts'
import { fakeHost } from '../testing/fake-host.ts'
import { rejection } from '../testing/rejection.ts'
import { serve, workplace } from './build.test.support.ts'

const test = suite('observe')
const options: ObserveOptions = { settleSeconds: 0, timeoutSeconds: 60, wish: { infra: 'fake' } }
const platforms = [machinePlatform()]

/** What the fake cluster asks for in its first and its second life; a name is `repository:tag`. */
type Asks = readonly (readonly string[])[]

/**
 * A place to build, and a cluster without hosts: its infra leads this machine's loopback to the proxy, its runtime asks as hosts do, with a
 * client certificate of the cluster.
 */
async function world(registry: RegistryDouble, asks: Asks) {
  const place = await workplace({ Kubefile: 'FROM scratch\nCOPY ops bin\n', ops: 'x' })
  const answers: number[] = []
  const lives: RuntimeContext[] = []
  const { hooks, home } = place
  hooks.choose.infra.tap('fake', (wanted) => (wanted.infra === 'fake' ? fakeInfra : undefined))
  hooks.choose.runtime.tap('fake', () => ({
    ...fakeRuntime(registry),
    install: (context) => {
      const names = asks[lives.push(context) - 1] ?? []
      const folder = join(home, 'clusters', context.wanted.cluster, 'pki')
      const start = async () => {
        const authority = await registryAuthority(folder, context.wanted.cluster, { clock: systemClock, masters: [] })
        for (const name of names) answers.push(await askFor(name, registry, context, authority))
      }
      return [{ id: 'pods', title: 'Start the pods', after: [], do: start }]
    },
  }))
  const build = (how: Partial<BuildOptions> = {}) => place.build({ platforms, observe: options, ...how })
  return { ...place, build, read: place.build, answers, lives }
}

const fakeInfra: Infra = {
  name: 'fake',
  observe: async () => [],
  steps: () => [],
  release: () => [],
  inlet: async (_cluster, accept): Promise<Inlet> => {
    const server = createServer(accept)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    return { address: '127.0.0.1', port, [Symbol.asyncDispose]: async () => void server.close() }
  },
}

/** Its pods are one Deployment's, and have every image. */
const fakeRuntime = (registry: RegistryDouble): Omit<Runtime, 'install'> => ({
  name: 'kubernetes',
  delivery: 'hosts',
  remove: () => [],
  status: async () => ({ state: 'ready', nodes: [] }),
  launchpad: () => {
    const pod = {
      kind: 'Pod',
      metadata: {
        name: 'w-1',
        namespace: 'shop',
        ownerReferences: [{ kind: 'Deployment', name: 'w', controller: true }],
      },
      spec: { containers: [{ name: 'c', image: `${registry.host}/team/worker:1` }] },
      status: { phase: 'Succeeded' },
    }
    return { host: fakeHost('m1').answer(/kubectl/, JSON.stringify({ items: [pod] })), env: {} }
  },
})

/** As containerd asks a host of `_default/hosts.toml`: by the tag, then for what the manifest names. */
async function askFor(
  name: string,
  registry: RegistryDouble,
  { registries }: RuntimeContext,
  authority: RegistryAuthority,
): Promise<number> {
  const [repository, tag] = name.split(':')
  const { certificate: cert, key } = await authority.issue({ kind: 'client', name: 'm1' })
  const ca = (await authority.pair()).certificate
  const url = `${registries.others?.[0]}/${repository}/manifests/${tag}?ns=${registry.host}`
  return await new Promise((answered, failed) => {
    request(url, { ca, cert, key }, (answer) => answered(answer.resume().statusCode ?? 0))
      .on('error', failed)
      .end()
  })
}

const tidy = async ({ home, store }: Awaited<ReturnType<typeof world>>) => ({
  clusters: await readdir(join(home, 'clusters')).catch(() => []),
  drafts: (await store.list()).filter(({ reference }) => reference.includes('observe')),
})

test('what the first cluster asks for is carried by the digest that it was served, and the second proves it', async () => {
  await using registry = await registryDouble()
  const digest = await serve(registry, 'team/worker')
  await using here = await world(registry, [['team/worker:1'], []])
  const report = await here.build()
  const reference = `${registry.host}/team/worker:1`
  assert.equal(report.observed, [{ reference, digest, reasons: ['observed: Deployment shop/w'] }])
  const [carried] = (await here.inspect(report, platforms[0])).images
  assert.equal(
    [carried?.reference, carried?.digest, carried?.reasons],
    [reference, digest, ['observed: Deployment shop/w']],
  )
  assert.equal(here.answers, [200])
  assert.equal(await here.build().then(({ observed }) => observed), [])
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('a cluster that asks for nothing is its own proof', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  assert.equal((await here.build()).observed, [])
  assert.is(here.lives.length, 1)
})

test('hosts know the proxy alone, and it hears none but hosts', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  await here.build()
  const { registries } = here.lives[0] ?? {}
  assert.is(registries?.fallback, 'never')
  assert.match(registries?.others?.[0] ?? '', /^https:\/\/127\.0\.0\.1:\d+\/v2$/)
  here.hooks.install.steps.tap('stranger', (steps, wanted) => [
    ...steps,
    {
      id: 'stranger',
      title: 'Ask without a certificate',
      after: [],
      do: async () => {
        const url = here.lives.at(-1)?.registries.others?.[0] ?? ''
        assert.is(wanted.registry.port, 5000)
        const error = await rejection(
          new Promise((answered, failed) => {
            request(`${url}/`, { rejectUnauthorized: false }, answered).on('error', failed).end()
          }),
        )
        assert.match(error.message, /certificate required|socket hang up|ECONNRESET|alert/)
      },
    },
  ])
  await here.build()
})

test('an image that only the second cluster asks for is named, with who asked, and the tag points at nothing', async () => {
  await using registry = await registryDouble()
  await serve(registry, 'team/worker')
  await serve(registry, 'team/first')
  await using here = await world(registry, [['team/first:1'], ['team/worker:1']])
  const error = await rejection<SealerError>(here.build())
  assert.is(error.code, 'OBSERVE_INCOMPLETE')
  assert.match(error.message, `${registry.host}/team/worker:1 (asked for by Deployment shop/w)`)
  assert.equal(await here.store.list(), [])
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('an image that no registry gives ends the build, with what the registry says', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [['team/worker:7']])
  const error = await rejection<SealerError>(here.build())
  assert.is(error.code, 'OBSERVE_UNAVAILABLE')
  assert.match(error.message, new RegExp(`${registry.host}/team/worker:7: The registry .* does not have`))
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('a launch that fails is told as such, and the cluster goes away', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  here.hooks.install.steps.tap('broken', (steps) => [
    ...steps,
    { id: 'broken', title: 'Break', after: [], do: () => Promise.reject(new Error('no such app')) },
  ])
  assert.match((await rejection(here.build())).message, 'no such app')
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('a stop takes the cluster away', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  const stop = new AbortController()
  here.hooks.install.steps.tap('slow', (steps) => {
    stop.abort(new Error('Ctrl-C'))
    return steps
  })
  await rejection(here.build({ signal: stop.signal }))
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('plugins may refine the cluster that is made', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  here.hooks.build.observe.tap('site', (wish) => ({ ...wish, env: { ...wish.env, REGION: 'lab' } }))
  await here.build({ observe: { ...options, wish: { infra: 'fake', env: { MODE: 'test' } } } })
  assert.equal(here.lives[0]?.wanted.env, { MODE: 'test', REGION: 'lab' })
})

test('an infra that cannot keep hosts away from registries is refused', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  const { inlet: _, ...open } = fakeInfra
  here.hooks.choose.infra.tap('open', (wanted) => (wanted.infra === 'open' ? { ...open, name: 'open' } : undefined))
  const observe = { ...options, wish: { infra: 'open' } }
  assert.is((await rejection<SealerError>(here.build({ observe }))).code, 'OBSERVE_INFRA')
  assert.equal(await tidy(here), { clusters: [], drafts: [] })
})

test('a base that nobody vouches for is not run on this machine, unless that is said', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  const { digest } = await here.read({ platforms, tag: 'base:v1' })
  await here.context.write('Kubefile', 'FROM base:v1\n')
  assert.equal((await here.build()).observed, [])
  await here.store.origins.forget(digest) // as one that was pulled
  assert.is((await rejection<SealerError>(here.build())).code, 'OBSERVE_UNTRUSTED')
  assert.is(here.lives.length, 1)
  assert.equal((await here.build({ observe: { ...options, insecure: true } })).observed, [])
})

test('a build for other machines alone cannot be observed', async () => {
  await using registry = await registryDouble()
  await using here = await world(registry, [])
  const other = { os: 'linux', architecture: 'riscv64' }
  const error = await rejection<SealerError>(here.build({ platforms: [other] }))
  assert.is(error.code, 'OBSERVE_PLATFORM')
})

test.run()
