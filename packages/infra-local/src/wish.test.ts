import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hostNames, withWished } from './wish.ts'

const test = suite('local wish')
const named = (masters: number, nodes: number, cluster = 'lab') => hostNames({ cluster, masters, nodes })

test('masters come first, numbered from 1', () => {
  assert.equal(
    named(1, 2).map(({ name, role }) => `${name} ${role}`),
    ['lab-m1 master', 'lab-n1 node', 'lab-n2 node'],
  )
})

test('a name must do as file, namespace and host name', () => {
  for (const name of ['../etc', 'Lab', '1lab', 'lab-', 'a.b', '', 'x'.repeat(41)])
    assert.throws(() => named(1, 0, name), /cannot name/, name)
})

test('new hosts get free addresses, old ones keep theirs', () => {
  const wish = { cluster: 'lab', masters: 1, nodes: 2 }
  const hosts = withWished([], 7, wish)
  assert.equal(
    hosts.map(({ address, link }) => `${address} ${link}`),
    ['198.18.7.11 h1', '198.18.7.12 h2', '198.18.7.13 h3'],
  )
  const without = hosts.filter(({ name }) => name !== 'lab-n1')
  const again = withWished(without, 7, { ...wish, masters: 2 })
  assert.equal(
    again.map(({ name, address }) => `${name} ${address}`),
    ['lab-m1 198.18.7.11', 'lab-n2 198.18.7.13', 'lab-m2 198.18.7.12', 'lab-n1 198.18.7.14'],
  )
})

test('hosts beyond the wish stay', () => {
  const hosts = withWished([], 1, { cluster: 'lab', masters: 1, nodes: 3 })
  assert.is(withWished(hosts, 1, { cluster: 'lab', masters: 1, nodes: 0 }).length, 4)
})

test.run()
