import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { type TemporaryContext, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { type ChartWishes, ValueSets } from './value-sets.ts'

const test = suite('value sets')

const cache = { path: 'application/apps/cache', release: 'cache' }

const open = ({ folder }: TemporaryContext, wishes: ChartWishes = {}) => ValueSets.open(wishes, folder)

test('nothing said is the chart’s own values', async () => {
  await using context = await temporaryContext()
  const settings = await (await open(context)).of(cache, 'v1.34.4')
  assert.equal(settings, { sets: [{ name: '', texts: [] }], tests: false, kubernetes: 'v1.34.4', apiVersions: [] })
})

test('a file gives sets to charts by name and by path', async () => {
  await using context = await temporaryContext({
    'sealer.values.yaml': `
kubeVersion: 1.33.0
charts:
  cache: {sets: [{name: ha, files: [v/a.yaml, v/b.yaml], values: {x: 1}}]}
  charts/other-1.0.tgz: {defaults: false, tests: true, sets: [{name: site, files: [v/a.yaml]}]}
  gone: {}
`,
    'v/a.yaml': 'a: 1\n',
    'v/b.yaml': 'b: 1\n',
  })
  const sets = await open(context)
  assert.equal((await sets.of(cache, 'v1.34.4')).sets, [
    { name: '', texts: [] },
    { name: 'ha', texts: ['a: 1\n', 'b: 1\n', '{"x":1}'] },
  ])
  const other = await sets.of({ path: 'charts/other-1.0.tgz', release: 'other' }, 'v1.34.4')
  assert.equal(other, {
    sets: [{ name: 'site', texts: ['a: 1\n'] }],
    tests: true,
    kubernetes: '1.33.0',
    apiVersions: [],
  })
  assert.equal(sets.unused(), ['gone'])
})

test('files of the command line are one set, for all charts or for one', async () => {
  await using context = await temporaryContext({ 'a.yaml': 'a: 1', 'b.yaml': 'b: 1' })
  const [a, b] = [`${context.folder}/a.yaml`, `${context.folder}/b.yaml`]
  const sets = await open(context, { values: [a, `cache=${b}`], kubernetes: '1.32' })
  assert.is((await sets.of(cache, 'v1.34.4')).sets[1]?.name, 'a.yaml,b.yaml')
  assert.equal(
    (await sets.of(cache, 'v1.34.4')).sets.map(({ texts }) => texts),
    [[], ['a: 1', 'b: 1']],
  )
  assert.is((await sets.of(cache, 'v1.34.4')).kubernetes, '1.32')
  assert.equal(
    (await sets.of({ path: 'x', release: 'x' }, undefined)).sets.map(({ texts }) => texts),
    [[], ['a: 1']],
  )
  const alone = await open(context, { values: [`cache=${b}`], defaults: false })
  assert.equal(
    (await alone.of(cache, undefined)).sets.map(({ texts }) => texts),
    [['b: 1']],
  )
  assert.equal(
    (await alone.of({ path: 'x', release: 'x' }, undefined)).sets.map(({ texts }) => texts),
    [[]],
  )
})

const wrong: readonly [text: string, says: RegExp][] = [
  ['charts: {cache: {set: []}}', /charts\.cache/],
  ['charts: {cache: {sets: [{name: x, files: [../a.yaml]}]}}', /lies outside of its folder/],
  ['charts: {cache: {sets: [{name: x, files: [/etc/passwd]}]}}', /lies outside of its folder/],
  ['charts: {cache: {sets: [{name: x, files: [none.yaml]}]}}', /ENOENT/],
  ['charts: {cache: {sets: [{name: x, files: [list.yaml]}]}}', /values are a map/],
  ['a: [', /line \d+: /],
]
for (const [text, says] of wrong) {
  test(`refused: ${text}`, async () => {
    await using context = await temporaryContext({ 'sealer.values.yaml': text, 'list.yaml': '- a\n' })
    const error = await rejection<SealerError>(open(context).then((sets) => sets.of(cache, undefined)))
    assert.is(error.code, 'VALUES_INVALID')
    assert.match(error.message, says)
  })
}

test.run()
