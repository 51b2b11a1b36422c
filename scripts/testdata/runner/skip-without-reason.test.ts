import { suite } from 'uvu'

const test = suite('skip without reason')
test('passes', () => {})
test.skip()
test.run()
