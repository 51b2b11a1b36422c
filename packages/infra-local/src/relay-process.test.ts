import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOpen } from './relay-process.ts'

const test = suite('relay')

test('an open port is told from a closed one', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.ok(await isOpen(port))
  server.close()
  await once(server, 'close')
  assert.not(await isOpen(port))
})

test.run()
