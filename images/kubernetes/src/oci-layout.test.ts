import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ImageRecipe } from './oci-layout.ts'
import { writeLayout } from './oci-layout.ts'
import type { Arch } from './platform.ts'
import type { Entries } from './tar.ts'

const test = suite('oci-layout')
const home = await mkdtemp(join(tmpdir(), 'layout-'))
test.after(() => rm(home, { recursive: true }))

const shared: Entries = { base: { kind: 'text', text: 'base', mode: 0o644 } }

function recipes(text: string): ImageRecipe[] {
  return [
    { name: 'sealer.example/a:1', layers: [shared, { a: { kind: 'text', text, mode: 0o755 } }], entrypoint: ['/a'] },
    { name: 'sealer.example/b:1', layers: [shared] },
  ]
}

let count = 0
async function layout(images: ReadonlyMap<Arch, readonly ImageRecipe[]>) {
  const folder = join(home, String(count++))
  await writeLayout(folder, images)
  const json = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8'))
  const blob = (digest: string) => json(`blobs/${digest.replace(':', '/')}`)
  return { folder, index: await json('index.json'), blob }
}

test('every blob is named by its digest', async () => {
  const { folder } = await layout(new Map([['amd64', recipes('x')]]))
  for (const name of await readdir(join(folder, 'blobs/sha256'))) {
    assert.is(
      createHash('sha256')
        .update(await readFile(join(folder, 'blobs/sha256', name)))
        .digest('hex'),
      name,
    )
  }
})

test('a diff ID is the digest of the unpacked layer', async () => {
  const { folder, index, blob } = await layout(new Map([['amd64', recipes('x')]]))
  const manifest = await blob(index.manifests[0].digest)
  const config = await blob(manifest.config.digest)
  const layer = await readFile(join(folder, 'blobs', manifest.layers[1].digest.replace(':', '/')))
  assert.is(config.rootfs.diff_ids[1], `sha256:${createHash('sha256').update(gunzipSync(layer)).digest('hex')}`)
})

test('images of one platform are manifests, found by their full name', async () => {
  const { index } = await layout(new Map([['amd64', recipes('x')]]))
  assert.equal(
    index.manifests.map((each: { mediaType: string; annotations: Record<string, string> }) => [
      each.mediaType,
      each.annotations['org.opencontainers.image.ref.name'],
    ]),
    [
      ['application/vnd.oci.image.manifest.v1+json', 'sealer.example/a:1'],
      ['application/vnd.oci.image.manifest.v1+json', 'sealer.example/b:1'],
    ],
  )
})

test('an image of two platforms is one index with both', async () => {
  const { index, blob } = await layout(
    new Map<Arch, readonly ImageRecipe[]>([
      ['amd64', recipes('x')],
      ['arm64', recipes('y')],
    ]),
  )
  const image = await blob(index.manifests[0].digest)
  assert.is(index.manifests.length, 2)
  assert.equal(
    image.manifests.map((each: { platform: { architecture: string } }) => each.platform.architecture),
    ['amd64', 'arm64'],
  )
})

test('a layer that two images share is there once', async () => {
  const { index, blob } = await layout(new Map([['amd64', recipes('x')]]))
  const [a, b] = await Promise.all(index.manifests.map(({ digest }: { digest: string }) => blob(digest)))
  assert.is(a.layers[0].digest, b.layers[0].digest)
})

test('equal input gives an equal index', async () => {
  const first = await layout(new Map([['amd64', recipes('x')]]))
  const second = await layout(new Map([['amd64', recipes('x')]]))
  assert.equal(first.index, second.index)
})

test.run()
