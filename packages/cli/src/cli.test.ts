import { errors as core, SealerError } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createProgram } from './cli.ts'
import { applying, dashboard, fakeContext, type } from './fakes.test.support.ts'

const test = suite('sealer')

test('help stands on standard output and is no failure', async () => {
  const context = fakeContext()
  assert.is(await type('run --help', context), 0)
  assert.match(context.out(), 'sealer run dashboard:v1 --infra local --masters 1')
  assert.is(context.err(), '')
})

test('commands that come later are refused by name', async () => {
  const context = fakeContext()
  assert.is(await type('upgrade dashboard:v2 --apps web', context), 2)
  assert.match(context.err(), 'sealer upgrade is not supported yet')
})

test('what stood behind alpha in sealer 0.11 is found there too', async () => {
  const context = fakeContext({ images: { search: async () => ['docker.io/library/a:v1'] } as never })
  assert.is(await type('alpha search a', context), 0)
  assert.is(context.out(), 'docker.io/library/a:v1\n')
  assert.is(await type('alpha debug pod', context), 2)
  assert.match(context.err(), 'sealer alpha is not supported yet')
})

test('images are merged under the name of -t, or of the name it had before, and remarks are told', async () => {
  const asked: unknown[] = []
  const report = { reference: 'docker.io/library/c:v1', digest: 'sha256:1', platforms: [], images: ['a', 'b'] }
  const merge = async (...args: unknown[]) => {
    asked.push(args.slice(0, 2))
    return { ...report, warnings: ['the label title is that of b; others have another.'] }
  }
  const context = fakeContext({ images: { merge } as never })
  assert.is(await type('merge a b -t c', context), 0)
  assert.is(await type('alpha merge a b --target-image c', context), 0)
  assert.equal(asked, [
    [['a', 'b'], 'c'],
    [['a', 'b'], 'c'],
  ])
  assert.match(context.out(), 'Merged a and b as docker.io/library/c:v1.\nsha256:1\n')
  assert.match(context.err(), 'the label title is that of b')
  assert.is(await type('merge a b', fakeContext()), 2)
})

test('every command has a summary and an example', async () => {
  const program = createProgram(fakeContext())
  for (const command of program.createHelp().visibleCommands(program)) {
    if (command.name() === 'help') continue
    assert.ok(command.summary() !== '', command.name())
    const context = fakeContext()
    await type(`help ${command.name()}`, context)
    assert.match(context.out(), /Examples?:/, command.name())
  }
})

test('an unknown option is wrong usage', async () => {
  const context = fakeContext()
  assert.is(await type('images --bogus', context), 2)
  assert.match(context.err(), "unknown option '--bogus'")
})

test('images are listed for people', async () => {
  const context = fakeContext({ images: { list: async () => [dashboard] } as never })
  assert.is(await type('images', context), 0)
  assert.match(context.out(), /^IMAGE +PLATFORMS +SIZE +CREATED\n/)
  assert.match(context.out(), /dashboard:v1 +linux\/amd64 +412 MB/)
})

test('and for programs', async () => {
  const context = fakeContext({ images: { list: async () => [dashboard] } as never })
  await type('images --output json', context)
  assert.equal(JSON.parse(context.out()), [dashboard])
})

test('a failure is told on standard error, in JSON where that is asked for', async () => {
  const failing = { cluster: () => Promise.reject(core.CLUSTER_NOT_FOUND({ cluster: 'x', known: 'lab' })) }
  const people = fakeContext(failing)
  assert.is(await type('get hosts x', people), 2)
  assert.match(
    people.err(),
    /✗ There is no cluster named "x"\. Known here: lab\. {2}CLUSTER_NOT_FOUND\n {2}Try: See them with: sealer ps/,
  )
  const programs = fakeContext(failing)
  await type('get hosts x --output json', programs)
  assert.is(JSON.parse(programs.err()).code, 'CLUSTER_NOT_FOUND')
  assert.is(programs.out(), '')
})

test('a failure of what was tried ends with 1', async () => {
  const failing = applying([])
  const context = fakeContext({
    ...failing,
    apply: () => Promise.reject(new SealerError('core', 'STEP_FAILED', 'no', 'try')),
  })
  assert.is(await type('run dashboard:v1 --masters 10.0.0.1', context), 1)
})

test('a stop on request ends with 130', async () => {
  const stop = new AbortController()
  const context = fakeContext(
    {
      apply: () => {
        stop.abort()
        return Promise.reject(core.RUN_ABORTED({ done: 1, of: 4 }))
      },
    },
    { signal: stop.signal },
  )
  assert.is(await type('run dashboard:v1 --masters 10.0.0.1', context), 130)
  assert.match(context.err(), '1 of 4 steps are done and stay')
})

test('options of the original that do nothing are accepted with one warning', async () => {
  const context = fakeContext({ images: { list: async () => [] } as never })
  assert.is(await type('--hide-time images --log-to-file', context), 0)
  assert.match(context.err(), 'Without effect in this version: --hide-time, --log-to-file.')
})

test('so are those of the commands that make clusters', async () => {
  const context = fakeContext(applying([]))
  assert.is(await type('run d:v1 -m 10.0.0.1 --ignore-cache --distributor sftp', context), 0, context.err())
  assert.match(context.err(), 'Without effect in this version: --ignore-cache, --distributor.')
})

test('a cluster need not be named where there is one', async () => {
  const context = fakeContext()
  assert.is(await type('get hosts', context), 0)
  assert.match(context.out(), /m1 +10\.0\.0\.1 +master/)
})

test('and must be where there are several', async () => {
  const context = fakeContext({ clusters: async () => [{ name: 'a' }, { name: 'b' }] as never })
  assert.is(await type('get hosts', context), 2)
  assert.match(context.err(), 'Several clusters are on record: a, b.')
})

test('ill health is an exit code', async () => {
  const context = fakeContext({
    status: async () => ({
      state: 'degraded',
      nodes: [{ name: 'n1', ready: false, roles: [], version: 'v1', reason: 'no disk' }],
    }),
  })
  assert.is(await type('get health', context), 1)
  assert.match(context.out(), /lab: degraded\n.*\nn1 .*no disk/)
})

test('all checks are told, with their remedies', async () => {
  const context = fakeContext({
    check: async () => [{ id: 'swap', host: 'm1', ok: false, message: 'Swap is on.', remedy: 'swapoff -a' }],
  })
  assert.is(await type('check dashboard:v1 --masters 10.0.0.1', context), 1)
  assert.is(context.out(), '✗ m1: Swap is on.  swap\n    Try: swapoff -a\n1 of 1 checks failed.\n')
})

test('the help of every command has an example that begins like it', () => {
  const context = fakeContext()
  const program = createProgram(context)
  const commands = (parent: typeof program, path: string): [string, typeof program][] =>
    parent
      .createHelp()
      .visibleCommands(parent)
      .filter((command) => command.name() !== 'help')
      .flatMap((command) => [
        [`${path} ${command.name()}`, command] as [string, typeof program],
        ...commands(command, `${path} ${command.name()}`),
      ])
  const without = commands(program, 'sealer').filter(([path, command]) => {
    const before = context.out().length
    command.outputHelp()
    return !new RegExp(`Examples?:\\n(  .*\\n)*  ${path}\\b`).test(context.out().slice(before))
  })
  assert.equal(
    without.map(([path]) => path),
    [],
  )
})

test('save writes no file by the name of a format, and answers in JSON when that is said before it', async () => {
  const saved: unknown[] = []
  const images = {
    store: { resolve: async () => dashboard },
    save: async (_: unknown, target: unknown) => void saved.push(target),
  }
  const context = fakeContext({ images: images as never })
  assert.is(await type('save d:v1 -o d.tar --output json', context), 2)
  assert.match(context.err(), 'sealer --output json save')
  assert.equal(saved, [])
  assert.is(await type('--output json save d:v1 -o d.tar', context), 0)
  assert.match(saved.join(), /d\.tar$/)
  assert.equal(JSON.parse(context.out()).images, ['d:v1'])
})

test.run()
