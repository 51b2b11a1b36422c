// landing, time limit: 300 s
import { suite } from 'uvu'
import { changeAFew } from './support/small-change.ts'

// e2e/large-images.e2e.ts does it with 2 GiB.
const test = suite('a small change')

test('5 MiB that change in an image of 100 are what is written, pushed and saved', () => changeAFew(100, 5))

test.run()
