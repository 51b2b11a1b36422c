import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type Header, pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { draftOf, filesOf, temporaryContext } from './kubefiles.test.support.ts'

const test = suite('archives that are added')

type Made = [header: Partial<Header> & { name: string }, content?: string]

/** A tar of our own making, so that it can be hostile. */
async function tarOf(...entries: Made[]): Promise<Buffer> {
  const tar = pack()
  for (const [header, content = ''] of entries) tar.entry({ type: 'file', ...header } as Header, content)
  tar.finalize()
  return buffer(tar)
}

async function added(archive: Buffer, add = 'ADD a /opt/') {
  const context = await temporaryContext()
  await writeFile(join(context.folder, 'a'), archive)
  const drafted = await draftOf(context, add).catch((error: unknown) => error as SealerError)
  return { drafted, [Symbol.asyncDispose]: () => context[Symbol.asyncDispose]() }
}

test('what tar makes is unpacked, whatever it is packed with', async () => {
  await using context = await temporaryContext({ 'tree/bin/tool': 'tool\n', 'tree/empty.txt': '' })
  await context.write('tree/bin/run', 'run\n', 0o750)
  await context.link('tree/bin/link', 'tool')
  execFileSync('ln', [join(context.folder, 'tree/bin/tool'), join(context.folder, 'tree/bin/hard')])
  for (const [flag, name] of [
    ['-c', 'a.tar'],
    ['-cz', 'b'],
    ['-cj', 'c.tbz'],
    ['-cJ', 'd.txz'],
    ['-c', 'e'],
  ] as const) {
    const packer = name === 'e' ? ['--use-compress-program', 'zstd'] : []
    execFileSync('tar', [flag, ...packer, '-f', join(context.folder, name), '-C', join(context.folder, 'tree'), '.'])
    const draft = await draftOf(context, `ADD ${name} opt`)
    assert.equal(filesOf(draft)[0]?.toSorted(), [
      'opt/bin/hard',
      'opt/bin/link',
      'opt/bin/run',
      'opt/bin/tool',
      'opt/empty.txt',
    ])
    const entry = (path: string) => draft.layers[0]?.entries.find((one) => one.path === path)
    const [run, hard, link] = ['opt/bin/run', 'opt/bin/hard', 'opt/bin/link'].map(entry)
    assert.ok(run?.kind === 'file' && hard?.kind === 'file' && link?.kind === 'link')
    assert.equal([run.mode, run.owner, run.size, link.target], [0o750, { uid: 0, gid: 0 }, 4, 'tool'])
    assert.is(await readFile(hard.source, 'utf8'), 'tool\n')
    assert.is(hard.digest, `sha256:${createHash('sha256').update('tool\n').digest('hex')}`)
  }
})

test('COPY keeps an archive packed, and what is no archive stays as it is', async () => {
  await using context = await temporaryContext({ 'x.tar': 'no tar' })
  await writeFile(join(context.folder, 'x.gz'), gzipSync('a text'))
  await writeFile(join(context.folder, 'real'), await tarOf([{ name: 'f' }, 'x']))
  assert.equal(filesOf(await draftOf(context, 'COPY real etc/\nADD x.tar x.gz etc/')), [
    ['etc/real'],
    ['etc/x.tar', 'etc/x.gz'],
  ])
})

test('--chown, --chmod and --checksum hold for archives', async () => {
  const tar = await tarOf([{ name: 'd/', type: 'directory', mode: 0o700 }], [{ name: 'd/f', mode: 0o600, uid: 7 }, 'x'])
  const digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`
  await using right = await added(tar, `ADD --checksum=${digest} --chown=1:2 --chmod=go=rX a /opt`)
  assert.not.instance(right.drafted, Error)
  const { layers } = right.drafted as Exclude<typeof right.drafted, SealerError>
  assert.equal(
    layers[0]?.entries.map(({ path, mode, owner }) => [path, mode, owner.uid]),
    [
      ['opt', 0o755, 0],
      ['opt/d', 0o755, 1],
      ['opt/d/f', 0o644, 1],
    ],
  )
  await using wrong = await added(tar, `ADD --checksum=sha256:${'0'.repeat(64)} a /opt`)
  assert.match(String(wrong.drafted), /Kubefile:2:88: a is sha256:[0-9a-f]{64}, not sha256:000/)
})

test('an archive is unpacked once', async () => {
  await using context = await temporaryContext()
  await writeFile(join(context.folder, 'a'), await tarOf([{ name: 'f' }, 'x']))
  const source = async () => (await draftOf(context, 'ADD a /')).layers[0]?.entries.find(({ kind }) => kind === 'file')
  assert.equal(await source(), await source()) // the same inode and times
})

const hostile: [what: string, entries: Made[], says: RegExp][] = [
  ['a path that leads out', [[{ name: '../x' }, 'x']], /"\.\.\/x" leads out of it/],
  ['a path that leads out later', [[{ name: 'a/../../x' }, 'x']], /leads out of it/],
  [
    'a file below a link',
    [[{ name: 'a', type: 'symlink', linkname: '/etc' }], [{ name: 'a/x' }, 'x']],
    /lies below "a"/,
  ],
  [
    'a link that replaces a folder',
    [[{ name: 'a/x' }, 'x'], [{ name: 'a', type: 'symlink', linkname: '/' }]],
    /lies below/,
  ],
  ['a device', [[{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }]], /neither a file nor/],
  ['a pipe', [[{ name: 'p', type: 'fifo' }]], /neither a file nor/],
  [
    'a hard link to what is not there',
    [[{ name: 'a', type: 'link', linkname: '/etc/shadow' }]],
    /link to what is not there/,
  ],
  ['a name that takes files away', [[{ name: 'etc/.wh.passwd' }]], /taken away/],
]
for (const [what, entries, says] of hostile) {
  test(`${what} is refused`, async () => {
    await using result = await added(await tarOf(...entries))
    assert.ok(SealerError.is(result.drafted))
    assert.match(result.drafted.message, /^Kubefile:2:5: .*\/a cannot be unpacked: /)
    assert.match(result.drafted.message, says)
  })
}

test('an absolute path is one from the target, and the last of two entries counts', async () => {
  await using result = await added(await tarOf([{ name: '/etc/x' }, 'one'], [{ name: 'etc/x' }, 'three']))
  const [layer] = (result.drafted as Exclude<typeof result.drafted, SealerError>).layers
  assert.equal(
    layer?.entries.flatMap((entry) => (entry.kind === 'file' ? [[entry.path, entry.size]] : [])),
    [['opt/etc/x', 5]],
  )
})

test('a bomb is refused before it is unpacked', async () => {
  const tar = pack()
  tar.entry({ name: 'zeros', size: 3 * 1024 ** 3 })
  const { value: header } = await tar[Symbol.asyncIterator]().next()
  tar.destroy()
  await using result = await added(gzipSync(Buffer.concat([header, Buffer.alloc(4096)])))
  assert.match(String(result.drafted), /bytes of it unpack to more than 3221225471/)
})

test('a damaged archive is told, never a crash', async () => {
  const tar = await tarOf([{ name: 'a' }, 'x'.repeat(2000)], [{ name: 'b/c' }, 'y'])
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      async (packed, length, changes) => {
        const bytes = packed ? gzipSync(tar) : Buffer.from(tar)
        for (const [offset, value] of changes) bytes[offset % bytes.length] = value
        await using result = await added(bytes.subarray(0, (length % bytes.length) + 1))
        if (result.drafted instanceof Error) assert.ok(SealerError.is(result.drafted), String(result.drafted))
      },
    ),
    { numRuns: 60 },
  )
})

test.run()
