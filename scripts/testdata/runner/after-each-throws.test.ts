import { suite } from 'uvu'

const test = suite('after.each throws')
test.after.each(() => {
  throw new Error('cannot clean up')
})
test('fails', () => {
  throw new Error('the failure that counts')
})
test.run()
