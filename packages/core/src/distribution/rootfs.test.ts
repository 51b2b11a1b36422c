import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { composeScript, unpackScript } from './rootfs.ts'

const test = suite('rootfs')
let dir = ''
test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'rootfs-'))
})
test.after.each(() => rmSync(dir, { recursive: true, force: true }))

/** A layer as hosts keep it: a folder. */
function layer(name: string, files: Record<string, string>): string {
  const folder = join(dir, name)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

const compose = (...layers: string[]) =>
  spawnSync('sh', ['-c', composeScript, 'compose', join(dir, 'rootfs'), ...layers], { encoding: 'utf8' })

/** Gives the layer's line for the script; the blob is a gzipped tar of the folder. */
function packed(folder: string, name: string): string {
  const tar = execFileSync('tar', ['-C', folder, '-cf', '-', '.'])
  writeFileSync(join(dir, name), gzipSync(tar))
  return `${createHash('sha256').update(tar).digest('hex')} gzip ${join(dir, name)}\n`
}

const unpack = (lines: string) =>
  spawnSync('sh', ['-c', unpackScript, 'unpack', join(dir, 'layers')], { input: lines, encoding: 'utf8' })

test('a later layer replaces files of an earlier one, as hard links', () => {
  const lower = layer('a', { 'bin/tool': 'old', 'etc/keep': 'kept' })
  const upper = layer('b', { 'bin/tool': 'new' })
  assert.is(compose(lower, upper).status, 0)
  assert.is(readFileSync(join(dir, 'rootfs/bin/tool'), 'utf8'), 'new')
  assert.is(statSync(join(dir, 'rootfs/etc/keep')).ino, statSync(join(lower, 'etc/keep')).ino)
  assert.is(readFileSync(join(lower, 'bin/tool'), 'utf8'), 'old')
})

test('what a later layer whites out is gone, the mark itself too', () => {
  const lower = layer('a', { 'etc/gone': '1', 'etc/stays': '1', 'var/all/x': '1' })
  const upper = layer('b', { 'etc/.wh.gone': '', 'var/all/.wh..wh..opq': '', 'var/all/y': '1' })
  assert.is(compose(lower, upper).status, 0)
  const has = (path: string) => existsSync(join(dir, 'rootfs', path))
  assert.equal(['etc/gone', 'etc/.wh.gone', 'etc/stays', 'var/all/x', 'var/all/y'].map(has), [
    false,
    false,
    true,
    false,
    true,
  ])
})

test('a whiteout cannot reach out of the rootfs through a link', () => {
  const outside = layer('outside', { passwd: 'root' })
  const lower = layer('a', { x: '1' })
  symlinkSync(outside, join(lower, 'etc'))
  const result = compose(lower, layer('b', { 'etc/.wh.passwd': '' }))
  assert.is.not(result.status, 0)
  assert.match(result.stderr, 'leaves the rootfs')
  assert.ok(existsSync(join(outside, 'passwd')))
})

test('layers are unpacked once, with their modes', () => {
  const folder = layer('a', { 'bin/tool': 'x' })
  chmodSync(join(folder, 'bin/tool'), 0o755)
  const line = packed(folder, 'blob')
  const result = unpack(line)
  assert.is(result.status, 0, result.stderr)
  const unpacked = join(dir, 'layers', line.slice(0, 64))
  assert.is(statSync(join(unpacked, 'bin/tool')).mode & 0o777, 0o755)
  rmSync(join(dir, 'blob'))
  assert.is(unpack(line).status, 0)
})

test('a gzip that the lowest layer brings unpacks the others, if it runs', () => {
  const marks = join(dir, 'marks')
  const tool = (body: string) => {
    const folder = layer(`lowest ${body.length}`, { 'lib/igzip/igzip': `#!/bin/sh\n${body}\n` })
    chmodSync(join(folder, 'lib/igzip/igzip'), 0o755)
    return folder
  }
  const counting = tool(`[ "$1" = --version ] && exit 0; echo "$@" >>${marks}; exec gzip "$@"`)
  const result = unpack(packed(counting, 'a.blob') + packed(layer('b', { x: '1' }), 'b.blob'))
  assert.is(result.status, 0, result.stderr)
  assert.is(readFileSync(marks, 'utf8'), `-d -c ${join(dir, 'b.blob')}\n`)
  const broken = unpack(packed(tool('exit 1'), 'c.blob') + packed(layer('d', { y: '1' }), 'd.blob'))
  assert.is(broken.status, 0, broken.stderr)
})

test('a layer that is not what its diff ID says is refused and leaves nothing', () => {
  const line = packed(layer('a', { x: '1' }), 'blob')
  const wrong = `${'0'.repeat(64)}${line.slice(64)}`
  const result = unpack(wrong)
  assert.is.not(result.status, 0)
  assert.match(result.stderr, 'unpacks to')
  assert.not.ok(existsSync(join(dir, 'layers', '0'.repeat(64))))
})

test.run()
