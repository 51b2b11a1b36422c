import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesUnder } from './files.ts'

const test = suite('the words of core')
const root = join(import.meta.dirname, '..')
const source = join(root, 'packages/core/src')

test('core knows no runtime and no infrastructure by name', () => {
  const found = filesUnder([source], '')
    .filter((file) => !file.endsWith('.test.ts') && !file.startsWith(join(source, 'testing/')))
    .flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          /kubeadm|k3s|alicloud|nspawn/i.test(line) ? [`${relative(root, file)}:${index + 1} ${line.trim()}`] : [],
        ),
    )
  assert.equal(found, [])
})

test.run()
