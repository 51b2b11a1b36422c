import { suite } from 'uvu'

const test = suite('good')
test('passes', () => {})
test('passes too', async () => {})
test.skip('needs a third hand: there are two')
test.run()
