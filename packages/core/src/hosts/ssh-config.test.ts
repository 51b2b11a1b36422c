import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { parseSshConfig } from './ssh-config.ts'

const test = suite('ssh-config')

const about = (text: string, address: string) => parseSshConfig(text, { home: '/home/ann', user: 'ann' })(address)
const codeOf = (text: string, address: string) => {
  try {
    about(text, address)
  } catch (error) {
    return (error as SealerError).code
  }
}

test('the first value that fits a host counts', () => {
  const text = 'Host 10.0.0.*\n  User ops\n  port 2222\n  IdentityFile ~/.ssh/lab\nHost *\n  User other\n  Port 22\n'
  assert.equal(about(text, '10.0.0.7'), { user: 'ops', port: 2222, privateKey: '/home/ann/.ssh/lab' })
  assert.equal(about(text, '10.1.0.7'), { user: 'other', port: 22 })
})

test('of a host that is not there nothing is said', () => {
  assert.equal(about('Host lab\n  User ops\n', '10.0.0.7'), {})
})

test('a host to go through brings its own settings', () => {
  const text = 'Host 10.0.0.*\n  ProxyJump bastion\nHost bastion\n  HostName 192.0.2.1\n  User gate\n'
  assert.equal(about(text, '10.0.0.7').jump, {
    name: 'bastion',
    address: '192.0.2.1',
    roles: [],
    ssh: { user: 'gate', port: 22 },
  })
})

test('hosts to go through are chained in their order', () => {
  const outer = about('Host a\n  ProxyJump first,ops@second:2222\n', 'a').jump
  assert.is(outer?.name, 'second')
  assert.is(outer?.ssh?.user, 'ops')
  assert.is(outer?.ssh?.port, 2222)
  assert.is(outer?.ssh?.jump?.name, 'first')
  assert.is(outer?.ssh?.jump?.ssh?.user, 'ann')
})

test('none means none', () => {
  assert.equal(about('Host a\n  ProxyJump none\n  ProxyCommand none\n', 'a'), {})
})

test('what cannot be done as it says is refused', () => {
  assert.is(codeOf('Host a\n  ProxyCommand nc %h %p\n', 'a'), 'SSH_CONFIG_UNUSABLE')
  assert.is(codeOf('Host a\n  ProxyJump a\n', 'a'), 'SSH_CONFIG_UNUSABLE')
  assert.is(codeOf('Host a\n  Port ssh\n', 'a'), 'SSH_CONFIG_UNUSABLE')
})

test('commands of Match exec are not run', () => {
  assert.equal(about('Match exec "true"\n  User evil\n', 'a'), {})
})

test.run()
