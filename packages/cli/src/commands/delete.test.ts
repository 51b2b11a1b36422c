import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeContext, type } from '../fakes.test.support.ts'

const test = suite('sealer delete')

const removing = (removed: string[]) => ({ remove: async (cluster: string) => void removed.push(cluster) })

test('a yes on the terminal deletes', async () => {
  const removed: string[] = []
  const context = fakeContext(removing(removed), { answer: true })
  assert.is(await type('delete lab', context), 0)
  assert.equal(removed, ['lab'])
})

test('a no changes nothing', async () => {
  const removed: string[] = []
  const context = fakeContext(removing(removed), { answer: false })
  assert.is(await type('delete lab', context), 2)
  assert.equal(removed, [])
  assert.match(context.err(), 'declined; nothing was changed')
})

test('without a terminal it is refused unless --yes is given', async () => {
  const removed: string[] = []
  const { terminalQuestions } = await import('../questions.ts')
  const nobody = terminalQuestions({ interactive: false }, new AbortController().signal)
  const context = fakeContext(removing(removed), { questions: nobody })
  assert.is(await type('delete lab', context), 2)
  assert.match(context.err(), 'NOBODY_TO_ASK')
  assert.is(await type('delete lab --yes', fakeContext(removing(removed), { questions: nobody })), 0)
  assert.equal(removed, ['lab'])
})

test('the only cluster need not be named', async () => {
  const removed: string[] = []
  assert.is(await type('delete --yes', fakeContext(removing(removed))), 0)
  assert.equal(removed, ['lab'])
})

test.run()
