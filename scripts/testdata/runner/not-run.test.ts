import { suite } from 'uvu'

const test = suite('not run')
test('is never run', () => {})
