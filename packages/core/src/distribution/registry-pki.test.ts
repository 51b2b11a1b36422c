import { X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { isCurrent, registryAuthority } from './registry-pki.ts'

const test = suite('registry-pki')
const folder = mkdtempSync(join(tmpdir(), 'pki-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))

/** One TLS handshake on loopback, the client's certificate being wanted; the server's word or the error. */
async function shakeHands(
  server: { cert: string; key: string; ca: string },
  client: { ca: string; cert?: string; key?: string },
): Promise<string> {
  const listener = createServer({ ...server, requestCert: true, rejectUnauthorized: true }, (socket: TLSSocket) =>
    socket.end('served'),
  )
  listener.on('tlsClientError', () => {})
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready))
  try {
    return await new Promise((answer) => {
      const socket = connect({ ...client, host: '127.0.0.1', port: (listener.address() as AddressInfo).port })
      socket
        .on('data', (data) => answer(data.toString()))
        .on('error', (error) => answer(error.message))
        .on('close', () => answer('closed'))
    })
  } finally {
    listener.close()
  }
}

test('the registry serves holders of a client certificate, by its address, and nobody else', async () => {
  const authority = await registryAuthority(folder, 'lab', { clock: systemClock, masters: [] })
  const ca = (await authority.pair()).certificate
  const server = await authority.issue({ kind: 'server', name: 'm1', addresses: ['127.0.0.1'] })
  const client = await authority.issue({ kind: 'client', name: 'n1' })
  const serving = { cert: server.certificate, key: server.key, ca }
  assert.is(await shakeHands(serving, { ca, cert: client.certificate, key: client.key }), 'served')
  assert.is.not(await shakeHands(serving, { ca }), 'served')
  assert.is.not(await shakeHands(serving, { ca, cert: server.certificate, key: server.key }), 'served')
})

test('looking for an authority makes none', async () => {
  const none = join(folder, 'none')
  const { certificate } = await registryAuthority(none, 'lab', { clock: systemClock, masters: [] })
  assert.is(certificate, undefined)
  assert.not.ok(existsSync(none))
})

test('the authority is made once, and its key is the owner’s alone', async () => {
  const first = await registryAuthority(folder, 'lab', { clock: systemClock, masters: [] })
  const second = await registryAuthority(folder, 'lab', { clock: systemClock, masters: [] })
  assert.is((await first.pair()).certificate, second.certificate)
  assert.is(statSync(join(folder, 'registry-ca.key')).mode & 0o777, 0o600)
})

test('a leaf of another authority, or one that soon ends, is not current', async () => {
  const authority = await registryAuthority(folder, 'lab', { clock: systemClock, masters: [] })
  const ca = (await authority.pair()).certificate
  const leaf = (await authority.issue({ kind: 'client', name: 'n1' })).certificate
  const other = await registryAuthority(join(folder, 'other'), 'other', { clock: systemClock, masters: [] })
  const nearTheEnd = { ...systemClock, now: () => Date.parse(new X509Certificate(leaf).validTo) - 1000 }
  assert.equal(
    [
      isCurrent(leaf, ca, systemClock),
      isCurrent(leaf, (await other.pair()).certificate, systemClock),
      isCurrent(leaf, ca, nearTheEnd),
      isCurrent('rubbish', ca, systemClock),
    ],
    [true, false, false, false],
  )
})

test.run()
