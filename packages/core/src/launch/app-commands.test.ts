import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AppConfig } from '../image/cluster-config.ts'
import { fakeHost } from '../testing/index.ts'
import { type AppPlace, appCommands, appEnv } from './app-commands.ts'

const test = suite('app-commands')

const place: AppPlace = {
  launchpad: { host: fakeHost('m1', ['master']), env: { KUBECONFIG: '/k', PATH: '/usr/bin' } },
  rootfs: '/r',
}
const argv = (app: AppConfig) => appCommands(app, place, {}).map((command) => command.argv.join(' '))

test('manifests are applied in launch order, by the server', () => {
  assert.equal(argv({ name: 'web', type: 'kube', files: ['20/db.yaml', '/web.yaml'] }), [
    'kubectl apply --server-side --force-conflicts --field-manager=sealer -f application/apps/web/20/db.yaml -f application/apps/web/web.yaml',
  ])
})

test('a kustomization is applied as such', () => {
  assert.equal(argv({ name: 'web', type: 'kube', files: ['kustomization.yaml'] }), [
    'kubectl apply --server-side --force-conflicts --field-manager=sealer -k application/apps/web',
  ])
})

test('a chart is installed or upgraded', () => {
  assert.equal(argv({ name: 'cache', type: 'helm', files: ['.'] }), [
    'helm upgrade --install cache application/apps/cache',
  ])
  assert.equal(argv({ name: 'cache', type: 'helm', files: ['cache-1.tgz'] }), [
    'helm upgrade --install cache application/apps/cache/cache-1.tgz',
  ])
})

test('commands of its own replace what the type says, joined by one blank, in the folder of the app', () => {
  const [command] = appCommands(
    { name: 'mix', type: 'other', files: [], cmds: ['bash', 'install.sh', '--level 3'] },
    place,
    {},
  )
  assert.equal(command?.argv, ['sh', '-c', 'bash install.sh --level 3'])
  assert.is(command?.cwd, '/r/application/apps/mix')
})

test('a user is over the app, the app over the image; what reaches the cluster cannot be changed', () => {
  const app: AppConfig = { name: 'a', type: 'shell', files: ['a.sh'], env: { A: 'app', B: 'app' } }
  const env = appEnv({ env: { A: 'user', KUBECONFIG: 'x' } }, { env: { A: 'image', B: 'image', C: 'image' } }, app)
  assert.equal(env, { A: 'user', B: 'app', C: 'image', KUBECONFIG: 'x' })
  const [command] = appCommands(app, place, env)
  assert.is(command?.env?.KUBECONFIG, '/k')
  assert.is(command?.env?.PATH, '/r/bin:/usr/bin')
})

test.run()
