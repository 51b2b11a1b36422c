// landing
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createSecrets, systemClock } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RegistryClient } from '../packages/core/src/image/registry-client.ts'
import { amd64, tarOf } from '../packages/core/src/image/small-images.test.support.ts'
import { openStore } from '../packages/core/src/image/store.ts'
import { type ProxySources, RecordingProxy } from '../packages/core/src/observe/recording-proxy.ts'
import { rejection } from '../packages/core/src/testing/rejection.ts'
import { hasRegistry, type Registry, startRegistry } from './support/registry.ts'
import { tool } from './support/run-tool.ts'

/** The recording proxy between Debian's docker-registry and skopeo. */
const test = suite('recording proxy')
const login = { user: 'ann', password: 'pa55word' }
let world: string
let open: Registry
let closed: Registry

test.before(async () => {
  if (!hasRegistry()) throw new Error('These tests need docker-registry and skopeo: node scripts/setup.mjs --tests')
  world = await mkdtemp(join(tmpdir(), 'sealer-proxy-'))
  open = await startRegistry()
  closed = await startRegistry({ login: true })
  const image = await layout(join(world, 'image'))
  await skopeo('copy', `oci:${image}:v1`, `docker://${open.host}/hub/team/app:v1`)
  await skopeo(
    'copy',
    `--dest-creds=${login.user}:${login.password}`,
    `oci:${image}:v1`,
    `docker://${closed.host}/shop/db:v2`,
  )
})
test.after(async () => {
  await open?.[Symbol.asyncDispose]()
  await closed?.[Symbol.asyncDispose]()
  await rm(world, { recursive: true, force: true })
})

test('skopeo pulls from several upstreams, through the mirrors and logins of the home, without one of its own', async () => {
  await using proxy = await startProxy('home')
  await writeFile(
    join(proxy.home, 'registries.yaml'),
    `registries: { 'registry.test:5000': { mirrors: ['${open.host}/hub'] } }\n`,
  )
  await proxy.client.credentials.save(closed.host, login.user, login.password)
  const names = ['registry.test__5000/team/app:v1', `${closed.host.replace(':', '__')}/shop/db:v2`]
  for (const [index, name] of names.entries()) {
    const target = join(world, `pulled-${index}`)
    await skopeo('copy', `docker://${proxy.host}/${name}`, `oci:${target}:pulled`)
    const blob = join('blobs/sha256', await largestBlob(join(world, 'image')))
    assert.ok((await readFile(join(target, blob))).equals(await readFile(join(world, 'image', blob))))
  }
  assert.equal(
    proxy.proxy.observed.map(({ reference }) => reference),
    [`${closed.host}/shop/db:v2`, 'registry.test:5000/team/app:v1'].sort(),
  )
  const digest = (await skopeo('inspect', '--format={{.Digest}}', `docker://${open.host}/hub/team/app:v1`)).trim()
  assert.equal(new Set(proxy.proxy.observed.map((image) => image.digest)), new Set([digest]))
})

test('a closed one gives nothing, and says what was wanted', async () => {
  await using proxy = await startProxy('closed', { closed: true })
  const path = `${open.host.replace(':', '__')}/hub/team/app:v1`
  const error = await rejection(skopeo('inspect', `docker://${proxy.host}/${path}`))
  assert.match(error.message, /manifest unknown|not in the image/)
  assert.equal(
    proxy.proxy.refused.map(({ reference }) => reference),
    [`${open.host}/hub/team/app:v1`],
  )
})

/** A proxy with a home and an empty store of its own, on a port of this machine. */
async function startProxy(name: string, options: Partial<ProxySources> = {}) {
  const home = await mkdtemp(join(world, `${name}-`))
  const client = new RegistryClient({ home, clock: systemClock, secrets: createSecrets() })
  const proxy = new RecordingProxy({ client, blobs: openStore(join(home, 'store')).blobs, ...options })
  const server = createServer((request, response) => void proxy.handle(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    home,
    client,
    proxy,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await client[Symbol.asyncDispose]()
    },
  }
}

/** An image of one layer of 4 MiB in an OCI layout. */
async function layout(folder: string): Promise<string> {
  const { blobs } = openStore(folder)
  const tar = await tarOf({ large: randomBytes(4 * 1024 * 1024) })
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await blobs.put(gzipSync(tar))) }
  const put = async (mediaType: string, value: object) => ({
    mediaType,
    ...(await blobs.put(Buffer.from(JSON.stringify(value)))),
  })
  const { digest } = await openStore(`${folder}-diff`).blobs.put(tar)
  const config = await put('application/vnd.oci.image.config.v1+json', {
    ...amd64,
    rootfs: { type: 'layers', diff_ids: [digest] },
  })
  const manifestType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await put(manifestType, { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] })
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' }
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  return folder
}

async function largestBlob(folder: string): Promise<string> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  const manifest = await readFile(join(folder, 'blobs/sha256', hexOf(index.manifests[0].digest)), 'utf8')
  return hexOf(JSON.parse(manifest).layers[0].digest)
}

const hexOf = (digest: string): string => digest.slice('sha256:'.length)

/** Beside this process, which may be what it asks. */
async function skopeo(command: string, ...args: readonly string[]): Promise<string> {
  const plainHttp =
    command === 'inspect' ? ['--tls-verify=false'] : ['--src-tls-verify=false', '--dest-tls-verify=false']
  return await tool('skopeo', '--insecure-policy', command, ...plainHttp, ...args)
}

test.run()
