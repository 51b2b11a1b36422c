import { suite } from 'uvu'

const test = suite('late rejection')
test('passes, and something breaks afterwards', () => {
  setTimeout(() => Promise.reject(new Error('too late')), 50)
})
test.run()
