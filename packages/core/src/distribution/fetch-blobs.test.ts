import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { fetchScript } from './fetch-blobs.ts'
import { registryAuthority } from './registry-pki.ts'

// The script that hosts run, with the curl of this machine, against servers that want a client certificate as a registry does.

const test = suite('fetch-blobs')
const dir = mkdtempSync(join(tmpdir(), 'fetch-'))
const incoming = join(dir, 'incoming')
const servers: Server[] = []
test.before.each(() => {
  rmSync(incoming, { recursive: true, force: true })
  mkdirSync(incoming)
})
test.after(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true, force: true })
})

const blobs = new Map(
  [300_000, 5_000].map((size) => {
    const content = randomBytes(size)
    return [createHash('sha256').update(content).digest('hex'), content]
  }),
)
const [[large = '', largeContent = Buffer.alloc(0)] = [], [small = ''] = []] = [...blobs]
const authority = await registryAuthority(join(dir, 'pki'), 'lab', { clock: systemClock, masters: [] })
const { certificate: ca } = await authority.pair()
const client = await authority.issue({ kind: 'client', name: 'n1' })
const other = await registryAuthority(join(dir, 'other'), 'lab', { clock: systemClock, masters: [] })
const stranger = await other.issue({ kind: 'client', name: 'x1' })
for (const [name, content] of Object.entries({ ca, cert: client.certificate, key: client.key }))
  writeFileSync(join(dir, name), content)
for (const [name, content] of Object.entries({ 'other.cert': stranger.certificate, 'other.key': stranger.key }))
  writeFileSync(join(dir, name), content)

/** A peer that has all blobs; of each it gives so many bytes, then it dies. */
async function peer({
  most = Number.POSITIVE_INFINITY,
  damaged = false,
} = {}): Promise<{ url: string; asked: string[] }> {
  const { certificate: cert, key } = await authority.issue({ kind: 'server', name: 'm1', addresses: ['127.0.0.1'] })
  const asked: string[] = []
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    const content = blobs.get(request.url?.split(':').at(-1) ?? '')
    const begin = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    asked.push(`${request.url?.slice(-6)} from ${begin}`)
    if (content === undefined) return void response.writeHead(404).end()
    const length = content.length - begin
    const range = begin > 0 ? { 'content-range': `bytes ${begin}-${content.length - 1}/${content.length}` } : {}
    response.writeHead(begin > 0 ? 206 : 200, damaged ? {} : { 'content-length': length, ...range })
    if (damaged) return void response.end(Buffer.concat([content, Buffer.alloc(2_000_000)]))
    const part = content.subarray(begin, begin + most)
    response.write(part, () => (part.length < length ? response.destroy() : response.end()))
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v2/sealer/shared`, asked }
}

async function fetchFrom(urls: readonly string[], { identity = '', env = {} } = {}): Promise<string> {
  const files = ['ca', `${identity}cert`, `${identity}key`].map((name) => join(dir, name))
  const child = spawn('sh', ['-c', fetchScript, 'fetch', incoming, ...files, ...urls], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  })
  child.stdin.end([...blobs].map(([hex, content]) => `${hex} ${content.length}\n`).join(''))
  return (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
}

const arrived = (hex: string): Buffer | undefined =>
  existsSync(join(incoming, hex)) ? readFileSync(join(incoming, hex)) : undefined
const whole = () => [...blobs].every(([hex, content]) => arrived(hex)?.equals(content) === true)

test('all blobs come from the first peer that has them', async () => {
  const [first, second] = [await peer(), await peer()]
  assert.match(await fetchFrom([first.url, second.url]), /^at 305000$/m)
  assert.ok(whole())
  assert.is(first.asked.length, 2)
  assert.equal(second.asked, [])
})

test('where a peer dies in the middle of a blob, the next one goes on from there', async () => {
  const [dying, living] = [await peer({ most: 100_000 }), await peer()]
  await fetchFrom([dying.url, living.url])
  assert.ok(whole())
  assert.equal(living.asked, [`${large.slice(-6)} from 100000`])
})

test('what the last peer did not give is left as it is: its beginning, or nothing', async () => {
  const dying = await peer({ most: 100_000 })
  await fetchFrom([dying.url])
  assert.ok(arrived(large)?.equals(largeContent.subarray(0, 100_000)))
  rmSync(incoming, { recursive: true })
  mkdirSync(incoming)
  await fetchFrom(['https://127.0.0.1:1/v2/sealer/shared'])
  assert.is(arrived(large), undefined)
  assert.is(arrived(small), undefined)
})

test('a peer cannot fill the disk: no file grows past the largest blob', async () => {
  await fetchFrom([(await peer({ damaged: true })).url])
  assert.ok((arrived(large)?.length ?? 0) <= 300_000 + 512)
  assert.ok((arrived(small)?.length ?? 0) <= 300_000 + 512)
})

test('who holds no certificate of the cluster gets nothing', async () => {
  const { url, asked } = await peer()
  await fetchFrom([url], { identity: 'other.' })
  assert.equal(asked, [])
  assert.is(arrived(small), undefined)
})

test('a host without curl asks nobody, and says so', async () => {
  const tools = join(dir, 'tools')
  mkdirSync(tools)
  for (const tool of ['sh', 'cat']) spawnSync('ln', ['-s', `/bin/${tool}`, tools])
  const { url, asked } = await peer()
  assert.match(await fetchFrom([url], { env: { PATH: tools } }), /^it has no curl$/m)
  assert.equal(asked, [])
})

test.run()
