import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeContext } from './fakes.test.support.ts'
import { hostKeyPolicy } from './host-keys.ts'

const test = suite('unknown host keys')

test('are refused where nobody can be asked', () => {
  assert.is(hostKeyPolicy(fakeContext(), { acceptNew: false, infra: 'baremetal' }).kind, 'strict')
})

test('are asked about on a terminal', async () => {
  const policy = hostKeyPolicy(fakeContext({}, { answer: true }), { acceptNew: false, infra: undefined })
  assert.is(policy.kind === 'ask' && (await policy.ask('10.0.0.1', 'SHA256:x')), true)
})

test('are taken where that was said, and from hosts of our own making', () => {
  assert.is(hostKeyPolicy(fakeContext(), { acceptNew: true, infra: 'baremetal' }).kind, 'accept-new')
  assert.is(hostKeyPolicy(fakeContext(), { acceptNew: false, infra: 'local' }).kind, 'accept-new')
})

test.run()
