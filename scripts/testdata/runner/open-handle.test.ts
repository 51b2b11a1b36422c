import { createServer } from 'node:net'
import { suite } from 'uvu'

const test = suite('open handle')
test('leaves a server listening', async () => {
  await new Promise<void>((listening) => createServer().listen(0, '127.0.0.1', listening))
})
test.run()
