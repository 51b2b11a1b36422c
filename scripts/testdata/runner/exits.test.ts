import { suite } from 'uvu'

const test = suite('exits')
test('leaves', () => process.exit(0))
test.run()
