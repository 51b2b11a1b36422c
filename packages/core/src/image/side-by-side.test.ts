import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { sideBySide } from './side-by-side.ts'

const test = suite('side-by-side')
const turn = () => new Promise((resolve) => setTimeout(resolve, 2))

test('no more than the limit are worked on at once', async () => {
  let running = 0
  let most = 0
  const done: number[] = []
  await sideBySide(
    [1, 2, 3, 4, 5],
    async (item) => {
      most = Math.max(most, ++running)
      await turn()
      running--
      done.push(item)
    },
    { limit: 2 },
  )
  assert.is(most, 2)
  assert.equal(done.toSorted(), [1, 2, 3, 4, 5])
})

test('the first failure stops the others, which are waited for', async () => {
  const ended: string[] = []
  const work = async (item: string, signal: AbortSignal) => {
    if (item === 'bad') throw new Error('bad')
    await turn()
    ended.push(`${item} ${signal.aborted ? 'stopped' : 'finished'}`)
  }
  const error = await rejection(sideBySide(['slow', 'bad', 'later'], work, { limit: 2 }))
  assert.is(error.message, 'bad')
  assert.equal(ended, ['slow stopped'])
})

test('an abort is what is thrown', async () => {
  const stopping = new AbortController()
  const work = async () => stopping.abort(new Error('enough'))
  const error = await rejection(sideBySide([1, 2], work, { limit: 1, signal: stopping.signal }))
  assert.is(error.message, 'enough')
})

test.run()
