import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { digestOf } from './blobs.ts'
import { RegistryClient } from './registry-client.ts'
import { registryDouble } from './registry-double.test.support.ts'
import { temporaryFolder, temporaryStore } from './small-images.test.support.ts'

const test = suite('registry-proxy')
const bytes = randomBytes(100_000)
const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length }

test('a registry beyond a proxy is reached through it, one of this machine directly', async () => {
  await using store = await temporaryStore()
  await using registry = await registryDouble()
  await using proxy = await startProxy(registry.host)
  await using home = await temporaryFolder()
  using _variables = variables({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: '' })
  await writeFile(join(home.path, 'registries.yaml'), 'registries: { "far.example:5000": { plainHttp: true } }')
  await using client = new RegistryClient({ home: home.path, clock: systemClock, secrets: { remember: () => {} } })
  registry.blobs.set(blob.digest, bytes)

  await client.fetchBlob({ registry: 'far.example:5000', repository: 'team/app' }, blob, store.blobs)
  assert.ok((await store.blobs.read(blob.digest)).equals(bytes))
  assert.equal([...new Set(proxy.asked)], ['far.example:5000'])
  assert.ok(await client.hasBlob({ registry: registry.host, repository: 'team/app' }, blob.digest))
  assert.equal([...new Set(proxy.asked)], ['far.example:5000'])
})

/** A proxy that leads all names to one server. */
async function startProxy(target: string) {
  const [host = '', port = ''] = target.split(':')
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer()
  server.on('connect', (request, client: Socket) => {
    asked.push(request.url ?? '')
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** Environment variables as long as the scope lasts. */
function variables(wanted: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(wanted).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, wanted)
  return {
    [Symbol.dispose]: () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    },
  }
}

test.run()
