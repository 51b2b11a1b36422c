import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Entries } from './tar.ts'
import { tar } from './tar.ts'

const test = suite('tar')
const folder = await mkdtemp(join(tmpdir(), 'tar-'))
test.after(() => rm(folder, { recursive: true }))

async function archive(entries: Entries): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of tar(entries)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What the system's tar says of it. */
function list(bytes: Buffer): string[] {
  const env = { ...process.env, TZ: 'UTC' }
  return execFileSync('tar', ['-tv', '--numeric-owner', '-f', '-'], { input: bytes, env })
    .toString()
    .trimEnd()
    .split('\n')
}

test('entries are sorted, parents come first, owner and time are fixed', async () => {
  const bytes = await archive({
    'usr/bin/b': { kind: 'link', target: 'a' },
    'usr/bin/a': { kind: 'text', text: 'hello', mode: 0o755 },
    tmp: { kind: 'folder', mode: 0o1777 },
  })
  assert.equal(
    list(bytes).map((line) => line.replace(/ +/g, ' ')),
    [
      'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/',
      '-rwxr-xr-x 0/0 5 1970-01-01 00:00 usr/bin/a',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/bin/b -> a',
    ],
  )
})

test('a file that is written again makes the same bytes', async () => {
  const source = join(folder, 'program')
  await writeFile(source, 'x'.repeat(1000))
  const first = await archive({ program: { kind: 'file', source, mode: 0o755 } })
  await utimes(source, 1, 1)
  assert.ok(first.equals(await archive({ program: { kind: 'file', source, mode: 0o755 } })))
})

test('an empty file takes a header and nothing else', async () => {
  const source = join(folder, 'empty')
  await writeFile(source, '')
  assert.is((await archive({ empty: { kind: 'file', source, mode: 0o644 } })).length, 512 + 1024)
})

test('a path of more than 100 bytes is read back whole', async () => {
  const path = `${'folder/'.repeat(20)}file`
  assert.match(
    list(await archive({ [path]: { kind: 'text', text: '', mode: 0o644 } })).at(-1) ?? '',
    new RegExp(`${path}$`),
  )
})

test('a path that no header can hold is refused', async () => {
  try {
    await archive({ ['x'.repeat(200)]: { kind: 'text', text: '', mode: 0o644 } })
    assert.unreachable()
  } catch (failure) {
    assert.match(String(failure), 'too long')
  }
})

test.run()
