import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readXattrs } from './changes.ts'

const test = suite('changes')

test('attributes are read as getfattr writes them, odd names too', () => {
  const text = [
    '# file: .\nuser.overlay.impure=0seQ==\n',
    '# file: d/\\303\\251 b\\012c\nsecurity.capability=0sAQAAAoAAAAAAAAAAAAAAAAAAAAA=\nuser.x\\075y=0s\n',
  ].join('\n')
  const found = readXattrs(Buffer.from(`${text}\n`))
  assert.equal(
    [...found],
    [
      ['.', { 'user.overlay.impure': 'eQ==' }],
      ['d/é b\nc', { 'security.capability': 'AQAAAoAAAAAAAAAAAAAAAAAAAAA=', 'user.x=y': '' }],
    ],
  )
})

test('no attributes are no text', () => assert.is(readXattrs(Buffer.alloc(0)).size, 0))

test.run()
