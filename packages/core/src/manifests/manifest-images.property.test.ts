import fc from 'fast-check'
import { dump } from 'js-yaml'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { operatorRules } from '../builtin/image-rules/index.ts'
import { RuleTable } from './image-rules.ts'
import { imagesInManifest } from './manifest-images.ts'
import { withoutActions } from './template-text.ts'

const test = suite('hostile manifests')
const rules = new RuleTable(operatorRules)
/** Longest that anything here may take; what hangs takes for ever. */
const patience = 20_000

function quickly(text: string): ReturnType<typeof imagesInManifest> {
  const began = performance.now()
  const result = imagesInManifest(text, rules, { loose: true })
  assert.ok(performance.now() - began < patience, `${text.slice(0, 80)} took too long`)
  return result
}

const piece = fc.constantFrom(
  'image: ',
  'containers:\n',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '<<: *a\n',
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '"',
  "'",
  '{{ .X }}',
  '{{',
  '}}',
  ': ',
  '\n',
  '  ',
  '\t',
  '#',
  '!!binary ',
  '!!map ',
  '%YAML 1.2\n',
  'kind: List\nitems:\n',
  'apiVersion: v1\nkind: ConfigMap\ndata:\n',
  'quay.io/a/b:1',
  '\u0000',
  '\uFEFF',
  '__proto__: ',
  'constructor: ',
  '? ',
  '$(params.x)',
  '${X}',
)

test('no text makes the reader fail or hang', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 12 })), { maxLength: 120 }), (pieces) => {
      quickly(pieces.join(''))
      withoutActions(pieces.join(''))
    }),
    { numRuns: 400 },
  )
})

const kinds = operatorRules.flatMap(({ group, kinds: names = ['Any'] }) =>
  names.map((kind) => [group.replace('*', 'x'), kind] as const),
)
const keys = fc.constantFrom(
  'image',
  'spec',
  'template',
  'containers',
  'data',
  'volumes',
  'metadata',
  'annotations',
  'images',
  'repository',
  'tag',
  'version',
  'name',
  'env',
  'params',
  '__proto__',
  'status',
  'items',
)
const leaf = fc.oneof(
  fc.constantFrom('quay.io/a/b:1', 'nginx', '', '$(params.name)', 'a: [', '{"image": "x"}', 'image: y\n'),
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
  ),
}))

test('no object of any kind that a rule knows makes it fail, and every name it gives is a whole one', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), tree, tree, ([group, kind], spec, more) => {
      const apiVersion = group === '' ? 'v1' : `${group}/v1`
      const { images } = quickly(
        dump({ apiVersion, kind, metadata: { name: 'x' }, spec, data: more, configuration: more }),
      )
      for (const { reference, line } of images) {
        assert.match(reference, /^[^\s/]+\/[^\s]+[:@][^\s]+$/)
        assert.ok(line >= 1)
      }
    }),
    { numRuns: 400 },
  )
})

test('aliases cannot make a small text take long', () => {
  const levels = Array.from(
    { length: 60 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`,
  )
  const head = 'apiVersion: example.test/v1\nkind: Thing\nl0: &l0 {image: "quay.io/a/b:1"}\n'
  const { images } = quickly(`${head}${levels.join('\n')}\n`)
  assert.ok(images.length <= 1)
  const pods = `apiVersion: v1\nkind: Pod\nx: &c [{image: "quay.io/a/b:1"}]\nspec:\n${Array.from({ length: 500 }, (_, n) => `  p${n}: {containers: *c}`).join('\n')}\n`
  assert.ok(quickly(pods).images.length > 0)
})

test('what is deeply nested or has too many aliases is told', () => {
  for (const text of [
    `a: ${'['.repeat(100_000)}`,
    `a: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`,
    `${'- '.repeat(50_000)}x`,
  ])
    assert.match(quickly(text).doubts[0]?.reason ?? '', /is not read as a manifest/)
  const aliases = `a: &a 1\nb: [${'*a, '.repeat(5000)}]`
  assert.match(quickly(aliases).doubts[0]?.reason ?? '', /alias/)
})

test('large texts are read in time: many documents, long lines, many images, many braces', () => {
  const pod = (n: number) => `---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: "quay.io/a/b:${n}"}]}\n`
  assert.is(quickly(Array.from({ length: 3000 }, (_, n) => pod(n)).join('')).images.length, 3000)
  const items = Array.from({ length: 5000 }, (_, n) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    spec: { containers: [{ image: `a/b:${n}` }] },
  }))
  assert.is(quickly(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 1)).images.length, 5000)
  quickly(`a: "${'x'.repeat(4_000_000)}"`)
  quickly('{{'.repeat(500_000))
  quickly(`${'{{ x }}'.repeat(200_000)} y`)
  quickly(`${' '.repeat(500_000)}x`)
  quickly('-'.repeat(1_000_000))
  quickly(`apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n${'    image: {{ x }} {{ y }}\n'.repeat(20_000)}`)
})

test.run()
