import { fakeHost } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hostLines, withBlock, withoutBlock } from './hosts-file.ts'
import { siteOn } from './testing/site-on.ts'

const test = suite('hosts-file')

const lines = ['10.0.0.1 apiserver.cluster.local']

for (const [name, text] of Object.entries({
  'an ordinary file': '127.0.0.1 localhost\n',
  'a file without a last line end': '127.0.0.1 localhost',
  'an empty file': '',
  'the block of another cluster': '127.0.0.1 localhost\n# begin sealer other\n10.9.9.9 x\n# end sealer other\n',
  'a cluster whose name begins alike': '# begin sealer lab2\n10.9.9.9 x\n# end sealer lab2\n',
})) {
  test(`${name} is the same, byte for byte, after the block has come and gone`, () => {
    assert.is(withoutBlock(withBlock(text, 'lab', lines), 'lab'), text)
  })
}

test('the block is replaced, not repeated', () => {
  const once = withBlock('127.0.0.1 localhost\n', 'lab', ['10.0.0.9 apiserver.cluster.local'])
  assert.is(withBlock(once, 'lab', lines), withBlock('127.0.0.1 localhost\n', 'lab', lines))
})

test('what was added behind the block stays', () => {
  const changed = `${withBlock('a\n', 'lab', lines)}10.1.1.1 printer\n`
  assert.is(withoutBlock(changed, 'lab'), 'a\n10.1.1.1 printer\n')
})

test('a master is the API server to itself; while it joins, the others stand behind it', async () => {
  const site = await siteOn([
    fakeHost('m1', ['master'], { address: '10.0.0.1' }),
    fakeHost('m2', ['master'], { address: '10.0.0.2' }),
  ])
  const [, second] = site.masters
  if (second === undefined) throw new Error('two masters')
  assert.equal(hostLines(second, site, true), ['10.0.0.2 apiserver.cluster.local'])
  assert.equal(hostLines(second, site, false), ['10.0.0.2 apiserver.cluster.local', '10.0.0.1 apiserver.cluster.local'])
})

test('nodes have all masters, each node beginning with another one', async () => {
  const site = await siteOn([
    fakeHost('m1', ['master'], { address: '10.0.0.1' }),
    fakeHost('m2', ['master'], { address: '10.0.0.2' }),
    fakeHost('n1', ['node']),
    fakeHost('n2', ['node']),
  ])
  const addresses = site.nodes.map((node) => hostLines(node, site, true).map((line) => line.split(' ')[0]))
  assert.equal(addresses, [
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.2', '10.0.0.1'],
  ])
})

test('a master that is down stays in the list', async () => {
  const [m1, m2, n1] = [fakeHost('m1', ['master']), fakeHost('m2', ['master']), fakeHost('n1')]
  const site = await siteOn([m2, n1], { members: [m1, m2, n1] })
  const [node] = site.nodes
  if (node === undefined) throw new Error('there is a node')
  assert.equal(
    hostLines(node, site, true),
    [m1, m2].map(({ address }) => `${address} apiserver.cluster.local`),
  )
})

test.run()
