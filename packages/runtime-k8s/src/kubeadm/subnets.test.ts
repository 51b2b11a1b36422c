import { SealerError } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkSubnets } from './subnets.ts'

const test = suite('subnets')

function codeOf(fields: Record<string, string>, address?: string): string | undefined {
  try {
    checkSubnets(fields, address === undefined ? [] : [{ host: 'h1', address }])
  } catch (error) {
    if (SealerError.is(error)) return error.code
  }
}

test('networks apart from each other and from the hosts pass', () => {
  assert.is(codeOf({ pods: '10.244.0.0/16', services: '10.96.0.0/22' }, '10.0.0.1'), undefined)
})

test('one network inside another is refused, whichever is named first', () => {
  assert.is(codeOf({ pods: '10.0.0.0/8', services: '10.96.0.0/22' }), 'SUBNETS_OVERLAP')
  assert.is(codeOf({ pods: '10.96.1.0/24', services: '10.96.0.0/12' }), 'SUBNETS_OVERLAP')
})

test('a host inside a network is refused', () => {
  assert.is(codeOf({ pods: '192.168.0.0/16' }, '192.168.4.7'), 'SUBNETS_OVERLAP')
})

test('both families are compared within themselves', () => {
  assert.is(
    codeOf({ pods: '10.244.0.0/16,fd00:1::/64', services: '10.96.0.0/22,fd00:2::/112' }, 'fd00:3::1'),
    undefined,
  )
  assert.is(codeOf({ pods: 'fd00::/16' }, 'fd00:3::1'), 'SUBNETS_OVERLAP')
})

for (const text of ['10.244.0.0', '10.244.0.0/33', 'pods/16', '10.244.0.0/x', '']) {
  test(`"${text}" is no subnet`, () => {
    assert.is(codeOf({ pods: text }), 'SUBNET_INVALID')
  })
}

test.run()
