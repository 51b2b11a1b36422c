import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../clock.ts'
import { SealerError } from '../errors.ts'
import { rejection } from '../testing/rejection.ts'
import { readArchiveImages } from './archives.ts'
import { digestOf } from './blobs.ts'
import { CacheNotes } from './cache-notes.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { sealImage } from './cluster-image.ts'
import { loadImages } from './load.ts'
import { mediaTypes } from './oci.ts'
import { pullImage } from './pull.ts'
import { clusterPairs, readPairs, readPlatform } from './read-cluster-image.ts'
import { fullName, parseReference } from './reference.ts'
import { RegistryClient } from './registry-client.ts'
import { type Fault, type RegistryDouble, registryDouble } from './registry-double.test.support.ts'
import { rootfsFiles } from './rootfs-files.ts'
import { saveImages } from './save.ts'
import { indexSchema, parseJson } from './schemas.ts'
import { amd64, codeOf, smallPlatform, temporaryFolder, temporaryStore } from './small-images.test.support.ts'
import type { LocalStore } from './store.ts'

/** Names, documents, archives and registries of somebody who means harm. */
const test = suite('hostile')

const clock: Clock = { now: () => 0, sleep: async () => {} }
const client = () => new RegistryClient({ home: '/nonexistent', clock, secrets: { remember: () => {} } })
const seed = Number(process.env.SEALER_TEST_SEED ?? Date.now() % 2 ** 31)
const runs = (numRuns: number) => ({ numRuns, seed })

/** What is refused has a code and says what to do; anything else is a bug of ours. */
async function refusedOrTaken(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!SealerError.is(error)) throw error
  }
}

test('any text is a name that means the same when it is written out, or is refused', () => {
  const character = fc.constantFrom(...'ab1./:@-_[]A %\u0000é'.split(''))
  const name = fc.oneof(
    fc.string({ maxLength: 600 }),
    fc.array(character, { maxLength: 40 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(name, (text) => {
      try {
        const read = parseReference(text)
        assert.equal(parseReference(fullName(read)), read)
        assert.not(/\.\.|\/\/|\0/.test(fullName(read)))
      } catch (error) {
        if (!SealerError.is(error)) throw error
      }
    }),
    runs(3000),
  )
})

/** A value that is almost the document: some of its members are others, or gone, or there twice. */
function mutated(document: unknown, random: () => number): unknown {
  const odd: readonly unknown[] = [
    null,
    -1,
    1e308,
    '',
    'x'.repeat(300),
    [],
    {},
    true,
    `sha256:${'0'.repeat(64)}`,
    '../..',
  ]
  const other = () => odd[Math.floor(random() * odd.length)]
  const walk = (value: unknown): unknown => {
    if (random() < 0.04) return other()
    if (Array.isArray(value)) {
      const members = value.filter(() => random() > 0.03).map(walk)
      return random() < 0.05 ? [...members, ...members] : members
    }
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).filter(() => random() > 0.03)
    return Object.fromEntries([...entries.map(([key, one]) => [key, walk(one)] as const), ['__proto__', 1]])
  }
  return walk(document)
}

test('an image of which any document is another one is read or refused', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const root = await store.find('app:v1')
  const [pair] = await readPairs(store.blobs, root, 'app')
  assert.ok(pair)
  const document = async ({ digest }: { digest: string }) => JSON.parse(String(await store.blobs.read(digest)))
  const put = async (blob: BlobDescriptor, value: unknown): Promise<BlobDescriptor> => ({
    ...blob,
    ...(await store.blobs.put(Buffer.from(JSON.stringify(value)))),
  })
  const [rootfs, companion] = [await document(pair.rootfs), await document(pair.companion)]
  const [rootfsConfig, config, list] = [
    await document(rootfs.config),
    await document(companion.config),
    await document(companion.layers[0]),
  ]
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1 }), async (number) => {
      const random = numbersFrom(number)
      await refusedOrTaken(async () => {
        const index = parseJson(indexSchema, Buffer.from(JSON.stringify(mutated(await document(root), random))), Error)
        clusterPairs(index, 'app')
      }).catch((error: Error) => {
        if (error.constructor !== Error) throw error // parseJson was given plain errors
      })
      const mine = {
        ...pair,
        rootfs: await put(
          pair.rootfs,
          mutated({ ...rootfs, config: await put(rootfs.config, mutated(rootfsConfig, random)) }, random),
        ),
        companion: await put(
          pair.companion,
          mutated(
            {
              ...companion,
              config: await put(companion.config, mutated(config, random)),
              layers: [await put(companion.layers[0], mutated(list, random)), ...companion.layers.slice(1)],
            },
            random,
          ),
        ),
      }
      await refusedOrTaken(() => readPlatform(store.blobs, mine, 'app'))
    }),
    runs(150),
  )
})

test('documents that are nested without end, or larger than any, are refused', async () => {
  const refuse = (reason: string) => new Error(reason)
  const nested = Buffer.from(`${'['.repeat(2_000_000)}`)
  assert.throws(() => parseJson(indexSchema, nested, refuse), /not JSON/)
  const closed = Buffer.from(`{"schemaVersion":2,"manifests":${'['.repeat(5000)}${']'.repeat(5000)}}`)
  assert.throws(() => parseJson(indexSchema, closed, refuse), /manifests/)
  const manifests = Array.from({ length: 1001 }, () => ({
    mediaType: 'x',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 1,
  }))
  const many = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))
  assert.throws(() => parseJson(indexSchema, many, refuse), /manifests/)
})

test('an archive of which any bytes are others is loaded whole or refused, and never leads out', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const { digest } = await store.resolve('app:v1')
  const { PassThrough, Readable } = await import('node:stream')
  const output = new PassThrough()
  const saving = saveImages(store, ['app:v1'], output)
  const whole = Buffer.concat(await output.toArray())
  await saving
  const change = fc.record({
    at: fc.nat({ max: whole.length - 1 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    how: fc.constantFrom('overwrite', 'cut', 'insert', 'gzip'),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ at, bytes, how }) => {
      await using other = await temporaryStore()
      const [before, after] = [whole.subarray(0, at), whole.subarray(how === 'overwrite' ? at + bytes.length : at)]
      const changed = Buffer.concat(how === 'cut' ? [before] : [before, bytes, after])
      const archive = how === 'gzip' ? gzipSync(whole).map((byte, i) => (i === at ? ~byte : byte)) : changed
      await refusedOrTaken(async () => {
        const [image] = await loadImages(other, Readable.from([Buffer.from(archive)]))
        assert.is(image?.digest, digest)
      })
      await refusedOrTaken(() => readLayer(other, Buffer.from(archive), folder.path))
    }),
    runs(60),
  )
})

test('layers and archives with paths and links that lead out, and with devices, are refused or left out', async () => {
  await using store = await temporaryStore()
  await using folder = await temporaryFolder()
  const hostile: readonly (readonly [header: Parameters<ReturnType<typeof pack>['entry']>[0], refused: boolean])[] = [
    [{ name: '../../etc/passwd' }, true],
    [{ name: '/etc/passwd' }, true],
    [{ name: 'a/../../b' }, true],
    [{ name: 'blobs/sha256/../../../x' }, true],
    [{ name: 'link', type: 'symlink', linkname: '../../etc/passwd' }, true],
    [{ name: 'a/hard', type: 'link', linkname: '../../etc/passwd' }, true],
    [{ name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 }, false],
    [{ name: 'pipe', type: 'fifo' }, false],
  ]
  for (const [header, refused] of hostile) {
    const tar = pack()
    tar.entry(header, '')
    tar.entry({ name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}')
    tar.entry({ name: 'index.json' }, '{"schemaVersion":2,"manifests":[]}')
    tar.finalize()
    const pieces: Buffer[] = []
    for await (const piece of tar) pieces.push(piece as Buffer)
    const file = join(folder.path, 'hostile.tar')
    await (await import('node:fs/promises')).writeFile(file, Buffer.concat(pieces))
    const error = await rejection<SealerError>(loadImages(store, file))
    assert.is(error.code, 'ARCHIVE_INVALID', header.name)
    assert.is(/leads out of it/.test(error.message), refused, `${header.name}: ${error.message}`)
    for (const transport of ['oci-archive', 'docker-archive'] as const)
      assert.is(await codeOf(readArchiveImages(file, transport, store.blobs, amd64)), 'ARCHIVE_INVALID', header.name)
  }
})

const lies: readonly (readonly [title: string, code: string, fault: (image: Pushed) => Fault])[] = [
  [
    'sends us in circles',
    'REGISTRY_INVALID',
    () => (request, response) => redirect(response, `http://${request.headers.host}${request.url}`),
  ],
  [
    'sends us to a file of this machine',
    'REGISTRY_INVALID',
    () => (_request, response) => redirect(response, 'file:///etc/passwd'),
  ],
  [
    'gives another manifest than was asked for',
    'BLOB_CORRUPT',
    ({ other }) => answerFor(/manifests\/sha256/, other, mediaTypes.manifest),
  ],
  ['gives a manifest without end', 'REGISTRY_INVALID', () => endless(/manifests/)],
  ['gives a blob without end', 'BLOB_CORRUPT', () => endless(/blobs/)],
  ['gives other blobs', 'BLOB_CORRUPT', ({ other }) => answerFor(/blobs/, other, 'application/octet-stream')],
  [
    'calls an index a manifest',
    'REGISTRY_INVALID',
    ({ index }) => answerFor(/manifests\/v1/, index, mediaTypes.manifest),
  ],
  [
    'names another digest than it sends',
    'BLOB_CORRUPT',
    ({ index }) =>
      (request, response) => {
        if (!/manifests\/v1/.test(request.url ?? '')) return false
        const headers = { 'content-type': mediaTypes.index, 'docker-content-digest': `sha256:${'0'.repeat(64)}` }
        response.writeHead(200, headers).end(index)
        return true
      },
  ],
]
for (const [title, code, fault] of lies) {
  test(`a registry that ${title} is refused, and no name is given`, async () => {
    await using registry = await registryDouble()
    await using own = client()
    await using empty = await temporaryStore()
    registry.fault = fault(await pushed(registry))
    assert.is(await codeOf(pullImage(own, empty, `${registry.host}/team/app:v1`)), code)
    assert.equal(await empty.list(), [])
    assert.ok(registry.asked.length < 150, `${registry.asked.length} requests`)
  })
}

test('an index whose sizes are wrong is refused, and one that names itself comes to an end', async () => {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  const root = await store.find('app:v1')
  const index = JSON.parse(String(await store.blobs.read(root.digest)))
  const wrong = index.manifests.map((one: BlobDescriptor) => ({ ...one, size: one.size + 1 }))
  const put = async (value: object) => ({
    mediaType: mediaTypes.index,
    ...(await store.blobs.put(Buffer.from(JSON.stringify(value)))),
  })
  assert.is(await codeOf(store.tag('wrong:v1', await put({ ...index, manifests: wrong }))), 'IMAGE_INCOMPLETE')
  let deep = root
  for (let depth = 0; depth < 7; depth++) deep = await put({ schemaVersion: 2, manifests: [deep] })
  assert.is(await codeOf(store.tag('deep:v1', deep)), 'IMAGE_INVALID')
})

interface Pushed {
  readonly index: Buffer
  /** Bytes that nobody has asked for. */
  readonly other: Buffer
}

async function pushed(registry: RegistryDouble): Promise<Pushed> {
  await using store = await temporaryStore()
  await sealImage(store, { tag: 'app:v1', platforms: [await smallPlatform(store.blobs)] })
  await using own = client()
  const { pushImage } = await import('./push.ts')
  await pushImage(own, store, 'app:v1', `${registry.host}/team/app:v1`)
  const index = await store.blobs.read((await store.find('app:v1')).digest)
  return { index, other: Buffer.from('{"schemaVersion":2,"something":"else"}') }
}

const redirect = (response: Parameters<Fault>[1], location: string): boolean => {
  response.writeHead(307, { location }).end()
  return true
}

const answerFor =
  (path: RegExp, bytes: Buffer, mediaType: string): Fault =>
  (request, response) => {
    if (request.method !== 'GET' || !path.test(request.url ?? '')) return false
    response.writeHead(200, { 'content-type': mediaType }).end(bytes)
    return true
  }

const endless =
  (path: RegExp): Fault =>
  (request, response) => {
    if (request.method !== 'GET' || !path.test(request.url ?? '')) return false
    response.writeHead(200, { 'content-type': mediaTypes.manifest })
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(256 * 1024, 32), () => setImmediate(more))
    }
    more()
    return true
  }

async function readLayer(store: LocalStore, bytes: Buffer, notes: string): Promise<void> {
  const blob = { mediaType: mediaTypes.layerGzip, ...(await store.blobs.put(bytes)) }
  await rootfsFiles([{ blob, diffId: digestOf(bytes) }], store.blobs, new CacheNotes(notes))
}

/** Numbers from 0 to 1, the same for the same start (xorshift), so that a failure names one number alone. */
function numbersFrom(start: number): () => number {
  let state = start | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

test.run()
