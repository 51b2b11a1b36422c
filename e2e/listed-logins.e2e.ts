// landing, time limit: 120 s
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../packages/core/src/clock.ts'
import { mediaTypes } from '../packages/core/src/image/oci.ts'
import { amd64, putContainerImage } from '../packages/core/src/image/small-images.test.support.ts'
import { openStore } from '../packages/core/src/image/store.ts'
import { hasRegistry, type Registry, startRegistry } from './support/registry.ts'

const run = promisify(execFile)
const test = suite('lists of images')
const command = join(import.meta.dirname, '../packages/cli/bin.js')

let world: string
let registry: Registry

test.before(async () => {
  assert.ok(hasRegistry(), 'apt-get install docker-registry')
  world = await mkdtemp(join(tmpdir(), 'sealer-listed-'))
  registry = await startRegistry({ login: true })
  for (const name of ['one', 'two']) await serve(name)
})
test.after(async () => {
  await registry?.[Symbol.asyncDispose]()
  if (world !== undefined) await rm(world, { recursive: true, force: true })
})

/** Puts a small image into the closed registry, by hand. */
async function serve(name: string): Promise<void> {
  const store = openStore(join(world, 'source'), systemClock)
  const { digest, blobs } = await putContainerImage(store.blobs, name, amd64)
  const at = `http://${registry.host}/v2/team/${name}`
  const authorization = `Basic ${Buffer.from('ann:pa55word').toString('base64')}`
  for (const blob of blobs.filter((one) => one.digest !== digest)) {
    const begun = await fetch(`${at}/blobs/uploads/`, { method: 'POST', headers: { authorization } })
    const place = new URL(begun.headers.get('location') ?? '', at)
    place.searchParams.set('digest', blob.digest)
    const body = new Uint8Array(await store.blobs.read(blob.digest))
    const sent = await fetch(place, { method: 'PUT', headers: { authorization }, body })
    assert.is(sent.status, 201)
  }
  const body = new Uint8Array(await store.blobs.read(digest))
  const headers = { authorization, 'content-type': mediaTypes.manifest }
  assert.is((await fetch(`${at}/manifests/1`, { method: 'PUT', headers, body })).status, 201)
}

async function sealer(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const home = join(world, 'home')
  try {
    const { stdout, stderr } = await run(process.execPath, [command, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: world, SEALER_HOME: home, ...env },
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

test('logins of a list are used for its images alone, and kept nowhere', async () => {
  const context = join(world, 'context')
  await run('mkdir', ['-p', join(context, 'deploy')])
  await writeFile(join(context, 'Kubefile'), 'FROM scratch\nCOPY deploy manifests\n')
  const pod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: `${registry.host}/team/one:1` }] } }
  await writeFile(join(context, 'deploy/pod.yaml'), JSON.stringify(pod))
  const list = join(world, 'logins.yaml')
  const entry = { registry: registry.host, username: 'ann', password: 'env:TEAM_PASSWORD', images: ['team/one:1'] }
  await writeFile(list, JSON.stringify([entry]))
  const build = ['build', '-t', 'app:v1', '--no-lock', context]

  const closed = await sealer(build)
  assert.is(closed.code === 0, false)
  const open = await sealer([...build, '--image-list-with-auth', list], { TEAM_PASSWORD: 'pa55word' })
  assert.is(open.code, 0, open.stderr)
  assert.not.match(open.stdout + open.stderr, 'pa55word')
  const carried = await sealer(['images', '--of', 'app:v1', '--why'])
  assert.is(carried.stdout, `${registry.host}/team/one:1\n    ${list}: entry 1\n    manifests/pod.yaml:1\n`)

  // Another image of the same registry is not in the list, so the login is not used for it.
  const other = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: `${registry.host}/team/two:1` }] } }
  await writeFile(join(context, 'deploy/other.yaml'), JSON.stringify(other))
  const refused = await sealer([...build, '--image-list-with-auth', list], { TEAM_PASSWORD: 'pa55word' })
  assert.match(refused.stderr, /team\/two:1 is needed \(manifests\/other\.yaml:1\)/)
  const ignored = join(world, 'ignored')
  await writeFile(ignored, `# not here\n${registry.host}/team/two\n`)
  const rest = [...build, '--image-list-with-auth', list, '--ignored-image-list', ignored]
  assert.is((await sealer(rest, { TEAM_PASSWORD: 'pa55word' })).code, 0)

  for (const file of await readdir(join(world, 'home'), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const text = await readFile(join(file.parentPath, file.name), 'latin1')
    assert.not.ok(text.includes('pa55word'), join(file.parentPath, file.name))
  }
})

test('images find: one a line, the rest on standard error, and JSON with both', async () => {
  const folder = join(world, 'tree')
  await run('mkdir', ['-p', folder])
  await writeFile(
    join(folder, 'web.yaml'),
    `apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{image: "quay.io/x/web:1", args: ["--helper=quay.io/x/helper:1"]}]}
---
broken: [
`,
  )
  const text = await sealer(['images', 'find', folder])
  assert.is(text.code, 0)
  assert.is(text.stdout, 'quay.io/x/web:1\n')
  assert.match(text.stderr, /Left out:\n {4}tree\/web\.yaml:4: "--helper=quay\.io\/x\/helper:1" looks like an image/)
  assert.match(text.stderr, /tree\/web\.yaml:[67]: this is not read as a manifest/)
  const why = await sealer(['images', 'find', folder, '--why'])
  assert.is(why.stdout, 'quay.io/x/web:1\n    tree/web.yaml:4  Pod web: spec.containers[0].image\n')
  const json = JSON.parse((await sealer(['images', 'find', folder, '--output', 'json'])).stdout)
  assert.equal(json.images, [
    {
      reference: 'quay.io/x/web:1',
      reasons: [{ place: 'tree/web.yaml:4', field: 'Pod web: spec.containers[0].image' }],
    },
  ])
  assert.is(json.leftOut.length, 2)
})

test.run()
