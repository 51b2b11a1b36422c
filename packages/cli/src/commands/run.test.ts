import { SealerError, type Wish } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applying, fakeContext, plan, type } from '../fakes.test.support.ts'

const test = suite('sealer run')

const wishOf = async (line: string): Promise<Wish> => {
  const wishes: Wish[] = []
  const context = fakeContext(applying([], wishes))
  assert.is(await type(line, context), 0, context.err())
  return wishes[0] ?? {}
}

test('addresses and ranges become hosts with roles', async () => {
  const { hosts, image, cluster } = await wishOf('run dashboard:v1 -m 10.0.0.1 -n 10.0.0.4-10.0.0.5')
  assert.equal(hosts, [
    { address: '10.0.0.1', roles: ['master'] },
    { address: '10.0.0.4', roles: ['node'] },
    { address: '10.0.0.5', roles: ['node'] },
  ])
  assert.is(image, 'dashboard:v1')
  assert.is(cluster, 'my-cluster')
})

test('numbers are for an infrastructure that makes hosts', async () => {
  const { counts, infra } = await wishOf('run dashboard:v1 --infra local --masters 1 --nodes 2')
  assert.equal([counts, infra], [{ masters: 1, nodes: 2 }, 'local'])
})

test('and refused where hosts are given', async () => {
  const context = fakeContext()
  assert.is(await type('run dashboard:v1 --masters 3', context), 2)
  assert.match(context.err(), '--masters 3 is a number of hosts, but the infrastructure "baremetal" makes none')
  assert.match(context.err(), '--infra local')
})

test('without hosts the choices are explained', async () => {
  const context = fakeContext()
  assert.is(await type('run dashboard:v1', context), 2)
  for (const choice of ['sealer run dashboard:v1 --infra local --masters 1', '--masters 10.0.0.1', '-f Clusterfile']) {
    assert.match(context.err(), choice)
  }
})

test('a comma splits variables only before another name', async () => {
  const { env } = await wishOf('run d:v1 -m 10.0.0.1 -e CertSANs=a.lab,b.lab -e X=1,Y=2')
  assert.equal(env, { CertSANs: 'a.lab,b.lab', X: '1', Y: '2' })
})

test('commands are never split, and --cmd is the same as --cmds', async () => {
  const wishes: Wish[] = []
  const context = fakeContext(applying([], wishes))
  const { runCli } = await import('../cli.ts')
  await runCli(['run', 'd:v1', '-m', '10.0.0.1', '--cmds', 'kubectl get a,b', '--cmd', 'helm list'], context)
  assert.equal(wishes[0]?.cmds, ['kubectl get a,b', 'helm list'])
})

test('an empty list of apps launches none', async () => {
  const wishes: Wish[] = []
  const { runCli } = await import('../cli.ts')
  await runCli(['run', 'd:v1', '-m', '10.0.0.1', '--apps', ''], fakeContext(applying([], wishes)))
  assert.equal(wishes[0]?.apps, [])
})

test('a password on the command line works and is warned about', async () => {
  const wishes: Wish[] = []
  const context = fakeContext(applying([], wishes))
  await type('run d:v1 -m 10.0.0.1 -u ops -p s3cret --port 2222', context)
  assert.equal(wishes[0]?.ssh, { user: 'ops', port: 2222, password: 'value:s3cret' })
  assert.match(context.err(), '--passwd-from env:NAME')
  assert.not.match(context.err(), 's3cret')
})

test('older names of options mean the same', async () => {
  const { cluster, hosts, infra } = await wishOf('run d:v1 --master 10.0.0.1 --cluster-name old --provider BAREMETAL')
  assert.equal([cluster, hosts?.length, infra], ['old', 1, 'baremetal'])
})

test('a dry run prints equal steps of several hosts in one line, with bytes', async () => {
  const context = fakeContext(applying([]))
  assert.is(await type('run d:v1 -m 10.0.0.1 --dry-run', context), 0)
  assert.is(
    context.out(),
    [
      'Plan to make the cluster lab: 3 steps, 400 MB to move',
      '  Send what the host lacks  (m1, n1)  400 MB',
      '  Launch web',
      '',
      'Left out:',
      '  Join the cluster  (n1): already joined',
      '',
      'Nothing was changed.',
      '',
    ].join('\n'),
  )
})

test('or the plan itself for programs', async () => {
  const context = fakeContext(applying([]))
  await type('run d:v1 -m 10.0.0.1 --dry-run --output json', context)
  assert.equal(JSON.parse(context.out()), plan)
})

test('programs get each event in a line, then the report', async () => {
  const event = { type: 'step-started', at: 1, step: 'a', title: 'A' } as const
  const context = fakeContext(applying([event]))
  await type('run d:v1 -m 10.0.0.1 --output json', context)
  const lines = context
    .out()
    .trim()
    .split('\n')
    .map((line): { type: string } => JSON.parse(line))
  assert.equal(
    lines.map((line) => line.type),
    ['step-started', 'report'],
  )
})

test('an archive is loaded and what it brings is run', async () => {
  const wishes: Wish[] = []
  const images = { load: async () => [{ reference: 'docker.io/library/dashboard:v1' }] }
  const context = fakeContext({ ...applying([], wishes), images: images as never })
  assert.is(await type('run dashboard.tar -m 10.0.0.1', context), 0, context.err())
  assert.is(wishes[0]?.image, 'docker.io/library/dashboard:v1')
})

test('an image that this machine lacks is fetched first', async () => {
  const pulled: string[] = []
  const images = {
    admit: () => Promise.reject(new SealerError('core', 'IMAGE_NOT_FOUND', 'none', '')),
    pull: async (reference: string) => void pulled.push(reference),
  }
  const context = fakeContext({ ...applying([]), images: images as never })
  assert.is(await type('run d:v1 -m 10.0.0.1', context), 0, context.err())
  assert.equal(pulled, ['d:v1'])
})

test('an image that may not be used is neither fetched again nor run', async () => {
  const images = { admit: () => Promise.reject(new SealerError('core', 'SIGNATURE_MISSING', 'unsigned', '')) }
  const context = fakeContext({ ...applying([]), images: images as never })
  assert.is(await type('run d:v1 -m 10.0.0.1', context), 1)
  assert.match(context.err(), 'SIGNATURE_MISSING')
})

test('the plugins that are named are asked for', async () => {
  const context = fakeContext(applying([]))
  await type('run d:v1 -m 10.0.0.1 --plugin sealer-runtime-beacon --runtime beacon', context)
  assert.equal(context.requests[0]?.plugins, ['sealer-runtime-beacon'])
  assert.is(context.requests[0]?.wish?.runtime, 'beacon')
})

test.run()
