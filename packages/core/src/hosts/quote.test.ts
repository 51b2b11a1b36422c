import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exports, quote, quoteAll } from './quote.ts'

const test = suite('quote')
const sh = (script: string) => execFileSync('sh', ['-c', script], { encoding: 'utf8' })

test('plain words stay readable', () => {
  assert.is(quoteAll(['kubectl', 'get', 'pods', '--namespace=a/b']), 'kubectl get pods --namespace=a/b')
})

test('a shell reads every word as it was', () => {
  const words = [
    '',
    ' ',
    "it's",
    '$HOME',
    '`id`',
    '$(id)',
    'a\nb',
    '\\',
    '"',
    '*',
    '~',
    '!',
    '#',
    "''",
    '{a,b}',
    'ü',
    '-n',
    ';',
    '&',
    '|',
    '\t',
  ]
  assert.is(sh(`printf '<%s>' ${quoteAll(words)}`), words.map((word) => `<${word}>`).join(''))
})

test('a NUL byte is refused', () => {
  assert.throws(() => quote('a\0b'), /NUL/)
})

test('variables keep their values, and their names are checked', () => {
  assert.is(sh(`${exports({ ONE: "a 'b' $c", TWO_2: '' })}\nprintf '%s|%s' "$ONE" "$TWO_2"`), "a 'b' $c|")
  for (const name of ['A B', '1A', 'A=b', 'A;reboot', '']) assert.throws(() => exports({ [name]: 'x' }), /no name/)
})

test.run()
