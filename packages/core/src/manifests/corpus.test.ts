import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { operatorRules } from '../builtin/image-rules/index.ts'
import { RuleTable } from './image-rules.ts'
import { imagesInManifest } from './manifest-images.ts'

const test = suite('the finder on a corpus')
const folder = join(import.meta.dirname, 'testdata/corpus')
const rules = new RuleTable(operatorRules)

/** In the files of the corpus `#= NAME…` at the end of a line says which images the line names. */
function score(isPart: (file: string) => boolean) {
  const missed: string[] = []
  const wrong: string[] = []
  let right = 0
  for (const file of readdirSync(folder).filter(isPart)) {
    const text = readFileSync(join(folder, file), 'utf8')
    const wanted = new Set(
      text.split('\n').flatMap((line) =>
        (/#= (.*)$/.exec(line)?.[1] ?? '')
          .split(' ')
          .filter((name) => name !== '')
          .map((name) => `${file} ${name}`),
      ),
    )
    const found = new Set(imagesInManifest(text, rules).images.map(({ reference }) => `${file} ${reference}`))
    missed.push(...[...wanted].filter((name) => !found.has(name)))
    wrong.push(...[...found].filter((name) => !wanted.has(name)))
    right += [...wanted].filter((name) => found.has(name)).length
  }
  return { missed, wrong, recall: right / (right + missed.length), precision: right / (right + wrong.length) }
}

test('pod templates, wherever they occur: recall and precision of 0.99 at least', () => {
  const { missed, wrong, recall, precision } = score((file) => /^(?:pods|traps)/.test(file))
  assert.ok(recall >= 0.99 && precision >= 0.99, `missed: ${missed.join(', ')}; wrong: ${wrong.join(', ')}`)
})

test('custom resources: recall of 0.9 and precision of 0.99 at least', () => {
  const { missed, wrong, recall, precision } = score((file) => file.startsWith('custom'))
  assert.ok(recall >= 0.9 && precision >= 0.99, `missed: ${missed.join(', ')}; wrong: ${wrong.join(', ')}`)
})

test('not one of the texts that only look like images is taken for one', () => {
  assert.equal(
    imagesInManifest(readFileSync(join(folder, 'traps.yaml'), 'utf8'), rules).images.map(({ field }) => field),
    [],
  )
})

test.run()
