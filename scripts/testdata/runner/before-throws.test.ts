import { suite } from 'uvu'

const test = suite('before throws')
test.before(() => {
  throw new Error('no ground')
})
test('never starts', () => {})
test.run()
