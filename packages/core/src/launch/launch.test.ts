import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import type { ClusterConfig } from '../image/cluster-config.ts'
import { type FakeHost, fakeHost, fakeImage, rejection, runSteps, wantedOn } from '../testing/index.ts'
import type { Wanted } from '../wanted.ts'
import { launchSteps } from './launch.ts'

const test = suite('launch')

const apps: ClusterConfig['apps'] = [
  { name: 'flannel', type: 'kube', files: ['net.yaml'], kind: 'cni' },
  { name: 'web', type: 'kube', files: ['web.yaml'], env: { PORT: '80' } },
  { name: 'cache', type: 'helm', files: ['.'] },
]

async function steps(host: FakeHost, config: Partial<ClusterConfig>, wanted: Partial<Wanted> = {}) {
  const image = fakeImage({ apps, ...config })
  return launchSteps({
    wanted: wantedOn([host], { image, ...wanted }),
    config: await image.config({ os: 'linux', architecture: 'amd64' }),
    launchpad: { host, env: { KUBECONFIG: '/k' } },
    rootfs: '/r',
    after: ['ready'],
  })
}

/** A master that remembers what was launched. */
function master(): FakeHost {
  const launched: Record<string, string> = {}
  return fakeHost('m1', ['master'])
    .answer('get secret', () => JSON.stringify({ kind: 'Secret', data: launched }))
    .answer('field-manager=sealer-', (_, host) => {
      const secret = JSON.parse(host.sent.at(-1)?.input.toString() ?? '{}') as { data: Record<string, string> }
      Object.assign(launched, secret.data)
      return ''
    })
}

test('apps are launched in the order of the image, each after the one before', async () => {
  const host = master()
  const planned = await steps(host, { launch: ['web', 'cache', 'web'] })
  assert.equal(
    planned.map(({ id, after }) => [id, ...after]),
    [
      ['launch/web', 'ready'],
      ['launch/cache', 'launch/web'],
    ],
  )
})

test('what was launched with the same content is skipped, and launched again when the environment changes', async () => {
  const host = master()
  await runSteps(await steps(host, { launch: ['web'] }), [host])
  assert.equal((await runSteps(await steps(host, { launch: ['web'] }), [host])).ran, [])
  assert.equal((await runSteps(await steps(host, { launch: ['web'] }, { env: { PORT: '81' } }), [host])).ran, [
    'launch/web',
  ])
})

test("a user's list replaces what the image launches", async () => {
  const ids = async (wanted: Partial<Wanted>, config: Partial<ClusterConfig> = { launch: ['web'] }) =>
    (await steps(master(), config, wanted)).map(({ id }) => id)
  assert.equal(await ids({ apps: ['cache'] }), ['launch/cache'])
  assert.equal(await ids({ apps: [''] }), [])
  assert.equal(await ids({ cmds: ['echo 1', 'echo 2'] }), ['launch/cmd-1', 'launch/cmd-2'])
  assert.equal(await ids({ apps: ['web'] }, { cmds: ['echo image'] }), ['launch/web'])
})

test('an app that the image lacks is refused while planning', async () => {
  const error = await rejection(steps(master(), {}, { apps: ['wbe'] }))
  assert.ok(SealerError.is(error) && error.code === 'APP_NOT_FOUND')
})

test('a resource of a kind that the same app defines is tried again', async () => {
  let tries = 0
  const host = master().answer(/apply --server-side --force-conflicts --field-manager=sealer -f/, () =>
    ++tries === 1 ? { exitCode: 1, stderr: 'no matches for kind "Backup"' } : '',
  )
  await runSteps(await steps(host, { launch: ['web'] }), [host])
  assert.is(tries, 2)
})

test('the environment stands in no argument and in no record in the clear', async () => {
  const host = master()
  await runSteps(await steps(host, { launch: ['web'] }, { env: { PASSWORD: 's3cret' } }), [host])
  assert.not.ok(host.commands.some((command) => command.includes('s3cret')))
  assert.not.ok(host.sent.some(({ input }) => input.includes('s3cret')))
  assert.ok(host.envs.some(({ env }) => env.PASSWORD === 's3cret'))
})

test.run()
