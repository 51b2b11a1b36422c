import { createScope, type Runtime, services, type Wanted } from '@sealer/core'
import { fakeHost, wantedOn } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kubernetes } from './index.ts'

const test = suite('kubernetes()')

/** What the plugin answers to a wish. */
async function chosenFor(overrides: Partial<Wanted>): Promise<Runtime | undefined> {
  await using scope = createScope()
  scope.provide(services.secrets, { read: async () => '', remember: () => {}, mask: (text) => text })
  const taps: ((wanted: Wanted, given: typeof scope) => Promise<Runtime | undefined>)[] = []
  const hooks = { choose: { runtime: { tapPromise: (_: string, tap: (typeof taps)[0]) => taps.push(tap) } } }
  kubernetes().apply({ hooks } as never)
  return await taps[0]?.(wantedOn([fakeHost('m1', ['master'])], overrides), scope)
}

test('it answers to both names, and to no other', async () => {
  assert.is((await chosenFor({ runtime: 'kubernetes' }))?.name, 'kubernetes')
  assert.is((await chosenFor({ runtime: 'k8s' }))?.name, 'kubernetes')
  assert.is(await chosenFor({ runtime: 'k3s' }), undefined)
})

test('swap is a problem unless the kubelet is told to start with it', async () => {
  const document = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    value: { failSwapOn: false },
  }
  assert.is((await chosenFor({ runtime: 'k8s' }))?.needsSwapOff, true)
  assert.is((await chosenFor({ runtime: 'k8s', documents: [document] }))?.needsSwapOff, false)
})

test.run()
