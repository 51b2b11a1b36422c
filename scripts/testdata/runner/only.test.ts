import { suite } from 'uvu'

const test = suite('only')
test('is left out', () => {})
test.only('is run alone', () => {})
test.run()
