import { once } from 'node:events'
import ssh2, { type ConnectConfig } from 'ssh2'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { connect } from './ssh-client.ts'

const test = suite('ssh-client')

const hostKey = ssh2.utils.generateKeyPairSync('ed25519').private
const open = new Set<{ end(): unknown }>()
const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
  open.add(client)
  client.on('authentication', (auth) => (auth.method === 'none' ? auth.accept() : auth.reject()))
  client.on('error', () => {})
  client.on('close', () => open.delete(client))
})
let config: ConnectConfig

test.before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  config = { host: '127.0.0.1', port, username: 'root' }
})
test.after(() => {
  for (const client of open) client.end()
  server.close()
})

test('a trusted key connects', async () => {
  const client = await connect(config, async () => true)
  client.end()
})

const refusals: [string, () => Promise<boolean>][] = [
  ['false', async () => false],
  ['late false', () => new Promise((resolve) => setTimeout(() => resolve(false), 20))],
  ['a text', async () => 'yes' as unknown as boolean],
  ['an object', async () => ({}) as unknown as boolean],
  ['nothing', async () => undefined as unknown as boolean],
  ['a rejection', async () => Promise.reject(new Error('no answer'))],
]
for (const [what, trusted] of refusals) {
  test(`${what} refuses`, async () => {
    const error = await rejection(connect(config, trusted))
    assert.match(error.message, /host/i)
  })
}

test('an abort ends the connecting with its reason', async () => {
  const stop = new AbortController()
  const connecting = connect(config, () => new Promise(() => {}), stop.signal)
  stop.abort(new Error('enough'))
  assert.is((await rejection(connecting)).message, 'enough')
})

test('what fails after the connecting does not end the process', async () => {
  const client = await connect(config, async () => true)
  const closed = new Promise<void>((resolve) => client.on('close', () => resolve()))
  client.emit('error', new Error('late'))
  client.destroy()
  await closed
})

test.run()
