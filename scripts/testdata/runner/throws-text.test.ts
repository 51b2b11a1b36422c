import { suite } from 'uvu'

const test = suite('throws text')
test('throws something that is not an Error', () => {
  throw 'text'
})
test('is never run', () => {})
test.run()
