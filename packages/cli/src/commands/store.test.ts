import type { PassThrough } from 'node:stream'
import type { Images, PruneOptions, StoredImage } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCli } from '../cli.ts'
import { dashboard, fakeContext, type } from '../fakes.test.support.ts'

const test = suite('sealer images, inspect, history, diff, prune')

const shop: StoredImage = {
  ...dashboard,
  reference: 'registry.example:5000/team/shop:v2',
  digest: `sha256:${'c'.repeat(64)}`,
  platforms: [{ os: 'linux', architecture: 'arm64' }],
  created: 5,
}
const platform = (labels: object) => ({ config: { platform: dashboard.platforms[0], labels }, images: [] })

const images: Partial<Images> = {
  list: async () => [dashboard, shop],
  store: { resolve: async () => shop, platform: async () => undefined } as never,
  inspect: async (reference) => ({
    image: reference === shop.reference ? shop : dashboard,
    platforms: [platform(reference === shop.reference ? { team: 'b' } : { team: 'a', tier: '1' })] as never,
  }),
  files: async () => [
    { path: 'etc', kind: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0 },
    { path: 'etc/x', kind: 'file', mode: 0o644, uid: 0, gid: 0, size: 1200 },
    { path: 'usr/bin/sh', kind: 'link', mode: 0o777, uid: 0, gid: 0, size: 0, target: 'dash' },
  ],
}
const answerOf = async (line: string, more: Partial<Images> = {}): Promise<string> => {
  const context = fakeContext({ images: { ...images, ...more } as Images })
  assert.is(await type(line, context), 0, context.err())
  return context.out()
}

const listed: readonly (readonly [line: string, names: readonly string[]])[] = [
  ['images dashboard', ['dashboard']],
  ['images dashboard:v1', ['dashboard']],
  ['images registry.example:5000/team/*', ['shop']],
  ['images --filter platform=linux/arm64', ['shop']],
  ['images --filter label=team', ['dashboard', 'shop']],
  ['images --filter label=team=a', ['dashboard']],
  ['images --filter label=tier --filter reference=shop', []],
  ['images --filter before=shop', ['dashboard']],
]
for (const [line, names] of listed) {
  test(line, async () => {
    const all = JSON.parse(await answerOf(`${line} --output json`)) as StoredImage[]
    assert.equal(
      all.map(({ reference }) => /(\w+):v\d$/.exec(reference)?.[1]),
      names,
    )
  })
}

test('a filter that does not exist is refused', async () => {
  const context = fakeContext({ images: images as Images })
  assert.is(await type('images --filter dangling=true', context), 2)
  assert.match(context.err(), '"dangling" is none of reference, platform, label, before, since')
})

test('templates give the fields of each image, in columns too', async () => {
  assert.is(
    await answerOf('images --format {{.Repository}}|{{.Tag}}|{{.Size|bytes}}'),
    'docker.io/library/dashboard|v1|412 MB\nregistry.example:5000/team/shop|v2|412 MB\n',
  )
  const context = fakeContext({ images: images as Images })
  await runCli(['images', '--format', 'table {{.Tag}}\\t{{.ID}}'], context)
  assert.is(context.out(), `TAG   ID\nv1    ${'b'.repeat(12)}\nv2    ${'c'.repeat(12)}\n`)
})

test('inspect gives one field, or refuses one that is not there with its place', async () => {
  assert.is(await answerOf('inspect dashboard:v1 -f {{.Digest}}'), `${dashboard.digest}\n`)
  const context = fakeContext({ images: images as Images })
  assert.is(await type('inspect dashboard:v1 -f {{.Nope}}', context), 1)
  assert.match(context.err(), '--format:1:3: .Nope is not there')
})

test('inspect draws the files', async () => {
  assert.is(
    await answerOf('inspect dashboard:v1 --tree'),
    [
      '/',
      '├── etc/',
      '│   └── x  1.2 kB',
      '└── usr/',
      '    └── bin/',
      '        └── sh → dash',
      '2 files, 1.2 kB',
      '',
    ].join('\n'),
  )
})

test('ages and sizes of prune are read', async () => {
  const asked: (PruneOptions | undefined)[] = []
  const prune: Images['prune'] = async (options) => {
    asked.push(options)
    return { removed: [], freed: 0, left: 2_000_000, builds: 0, dryRun: options?.dryRun === true }
  }
  assert.is(
    await answerOf('prune --dry-run --older-than 24h --keep-storage 1.5GiB', { prune }),
    'Nothing to remove; 2.0 MB of builds stay for the next ones.\n',
  )
  await answerOf('prune --all', { prune })
  const [first, second] = asked.map((one) => [one?.dryRun, one?.olderThan, one?.keep])
  assert.equal(first, [true, 86_400_000, 1.5 * 1024 ** 3])
  assert.equal(second, [false, 0, undefined])
  const context = fakeContext({ images: { ...images, prune } as Images })
  assert.is(await type('prune --older-than soon', context), 2)
})

test('save writes to standard output when no file is named, and never to a terminal', async () => {
  const save: Images['save'] = async (_images, target) => {
    assert.ok(typeof target !== 'string')
    if (typeof target !== 'string') target.end('archive')
  }
  const context = fakeContext({ images: { ...images, save } as Images })
  assert.is(await type('save dashboard:v1', context), 0, context.err())
  assert.is(String((context.terminal.output as PassThrough).read()), 'archive')
  assert.is(context.out(), '')

  const onTerminal = fakeContext({ images: { ...images, save } as Images })
  Object.assign(onTerminal.terminal.output, { isTTY: true })
  assert.is(await type('save dashboard:v1 -o -', onTerminal), 2)
  assert.match(onTerminal.err(), 'an archive is nothing for a terminal')
})

test.run()
