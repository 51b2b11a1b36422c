import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sumOf } from './checksums.ts'
import { gatherOfficial, officialReachable } from './official.ts'
import { officialFiles } from './official-files.ts'
import { ownArch } from './platform.ts'
import { releaseOf } from './releases.ts'

const test = suite('official')
const release = releaseOf('1.34')
const home = await mkdtemp(join(tmpdir(), 'official-'))
const served = new Map<string, Buffer>()
const server = createServer((request, response) => {
  const body = served.get(request.url ?? '')
  response.statusCode = body === undefined ? 404 : 200
  response.end(request.method === 'HEAD' ? undefined : body)
})
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const sites = { kubernetes: `${url}/k8s`, github: `${url}/github`, helm: `${url}/helm`, registry: `${url}/registry` }

const cacheBefore = process.env.SEALER_CACHE
test.before.each(async () => {
  process.env.SEALER_CACHE = await mkdtemp(join(home, 'cache-'))
  served.clear()
  await publish()
})
test.after(async () => {
  if (cacheBefore === undefined) delete process.env.SEALER_CACHE
  else process.env.SEALER_CACHE = cacheBefore
  server.close()
  await rm(home, { recursive: true })
})

/** Stands for the makers' sites: programs are scripts, archives have the layout of the real ones. */
async function publish(): Promise<void> {
  served.set('/registry/v2/', Buffer.from(''))
  for (const file of officialFiles(release, ownArch(), sites)) {
    const content = file.members === undefined ? script(file.name) : await archive(file.members)
    served.set(new URL(file.url).pathname, content)
    const sums = new URL(file.sums).pathname
    const sum = createHash('sha256').update(content).digest('hex')
    served.set(sums, Buffer.from(`${sum}  ${file.url.split('/').at(-1)}\n`))
  }
}

function script(name: string): Buffer {
  return Buffer.from(`#!/bin/sh\n# ${name}\necho registry.k8s.io/pause:3.10.1\n`)
}

async function archive(members: readonly string[]): Promise<Buffer> {
  const folder = await mkdtemp(join(home, 'archive-'))
  for (const member of members) {
    await mkdir(dirname(join(folder, member)), { recursive: true })
    await writeFile(join(folder, member), script(member))
    await chmod(join(folder, member), 0o644)
  }
  return execFileSync('tar', ['-czf', '-', '-C', folder, ...members])
}

let count = 0
function gather(checksums = join(home, `sums-${count++}.json`)) {
  return gatherOfficial(release, [ownArch()], {
    ...{ sites, checksums, progress: () => undefined },
    gunzip: async () => ({ files: {}, records: [] }),
  })
}

test('every program is there, and the images that kubeadm asks for are named', async () => {
  const { files, images, source } = await gather()
  const found = files.get(ownArch())
  assert.equal(Object.keys(found?.bin ?? {}).sort(), [
    ...['containerd', 'containerd-shim-runc-v2', 'ctr', 'etcdctl', 'helm'],
    ...['kubeadm', 'kubectl', 'kubelet', 'registry', 'runc'],
  ])
  assert.match(found?.cni.bridge ?? '', /\/bridge$/)
  assert.equal(images, { names: ['registry.k8s.io/pause:3.10.1', 'ghcr.io/flannel-io/flannel:v0.28.10'] })
  assert.is(source, 'official')
})

test('sums are entered at first use', async () => {
  const checksums = join(home, 'first-use.json')
  await gather(checksums)
  const entered = JSON.parse(await readFile(checksums, 'utf8'))
  assert.is(Object.keys(entered).length, officialFiles(release, ownArch(), sites).length)
})

test('a file with another sum than the one entered is refused', async () => {
  const checksums = join(home, 'tampered.json')
  const file = officialFiles(release, ownArch(), sites)[0]
  await writeFile(checksums, JSON.stringify({ [file?.url ?? '']: '0'.repeat(64) }))
  const failure = await gather(checksums).catch(String)
  assert.match(String(failure), /sha256 sum .* as expected/)
})

test('the sites are reachable when all of them answer', async () => {
  assert.is(await officialReachable(release, sites), true)
  served.delete('/registry/v2/')
  assert.is(await officialReachable(release, sites), false)
})

test('a sum is found alone, in a list, and after a star', () => {
  const sum = 'a'.repeat(64)
  assert.is(sumOf(`${sum}\n`, 'x'), sum)
  assert.is(sumOf(`${'b'.repeat(64)}  y\n${sum}  ./x\n`, 'x'), sum)
  assert.is(sumOf(`${sum} *x`, 'x'), sum)
  assert.throws(() => sumOf(`${sum}  y`, 'x'), /no sha256 sum of x/)
})

test.run()
