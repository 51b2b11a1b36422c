import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { modeOf } from './file-mode.ts'

const test = suite('modes')
const above = mkdtempSync(join(tmpdir(), 'sealer-modes-'))
test.after(() => rmSync(above, { recursive: true }))

test('octal digits', () => {
  assert.is(modeOf('755')?.(0, false), 0o755)
  assert.is(modeOf('04755')?.(0o600, true), 0o4755)
  for (const text of ['', '7', '99', '0o755', 'u', 'u=', 'x=r', 'u=rx,', 'u=ug', 'u+r w'])
    assert.is(modeOf(text) === undefined, text !== 'u=', text)
})

const clause = fc
  .tuple(
    fc.stringMatching(/^[ugoa]{1,3}$/),
    fc.array(fc.tuple(fc.constantFrom('+', '-', '='), fc.stringMatching(/^([rwxX]{0,3}|[ugo])$/)), {
      minLength: 1,
      maxLength: 2,
    }),
  )
  .map(([who, actions]) => who + actions.map(([operator, permissions]) => operator + permissions).join(''))

test('symbolic modes do what chmod does', () => {
  const file = join(above, 'file')
  const folder = join(above, 'folder')
  writeFileSync(file, '')
  mkdirSync(folder)
  const run = fc.property(
    fc.array(clause, { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 0, max: 0o777 }),
    (some, before) => {
      const text = some.join(',')
      for (const path of [file, folder]) {
        chmodSync(path, before)
        execFileSync('chmod', [text, path])
        assert.is(
          modeOf(text)?.(before, path === folder),
          statSync(path).mode & 0o7777,
          `${text} on ${before.toString(8)}`,
        )
      }
    },
  )
  fc.assert(run, { numRuns: 60 })
})

test.run()
