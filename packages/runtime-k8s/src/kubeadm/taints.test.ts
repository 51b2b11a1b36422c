import { SealerError } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taintsOf } from './taints.ts'

const test = suite('taints')

const taints = (...texts: string[]) => taintsOf({ name: 'n1', taints: texts })

test('key, value and effect', () => {
  assert.equal(taints('gpu-node=yes:NoExecute', 'a:NoSchedule', 'b=:NoSchedule'), [
    { key: 'gpu-node', effect: 'NoExecute', value: 'yes' },
    { key: 'a', effect: 'NoSchedule' },
    { key: 'b', effect: 'NoSchedule' },
  ])
})

test('a taint that is to go is none of a new node', () => {
  assert.equal(taints('a=b:NoSchedule-', 'a-'), [])
})

for (const text of ['a=b:Bad', 'a', ':NoSchedule', 'a b:NoSchedule']) {
  test(`"${text}" is refused`, () => {
    try {
      taints(text)
      assert.unreachable()
    } catch (error) {
      assert.is(SealerError.is(error) && error.code, 'TAINT_INVALID')
    }
  })
}

test.run()
