import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readElf } from './elf.ts'

const test = suite('elf')
const folder = await mkdtemp(join(tmpdir(), 'elf-'))
test.after(() => rm(folder, { recursive: true }))

/** A file with one LOAD segment (the file itself, at 0x400000), a DYNAMIC and an INTERP segment. */
function elf(machine: number, interpreter: string, libraries: readonly string[]): Buffer {
  const strings = Buffer.from(['', ...libraries, ''].join('\0'))
  const dynamicAt = 64 + 3 * 56
  const entries = [...libraries.map((name) => [1, strings.indexOf(`${name}\0`)]), [5, 0x400000 + 1024], [0, 0]] as [
    number,
    number,
  ][]
  const file = Buffer.alloc(2048)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt16LE(machine, 18)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(3, 56)
  const segments = [
    { type: 1, offset: 0, address: 0x400000, size: file.length },
    { type: 2, offset: dynamicAt, address: 0x400000 + dynamicAt, size: entries.length * 16 },
    { type: 3, offset: 1536, address: 0x400000 + 1536, size: interpreter.length + 1 },
  ]
  for (const [index, { type, offset, address, size }] of segments.entries()) {
    const at = 64 + index * 56
    file.writeUInt32LE(type, at)
    file.writeBigUInt64LE(BigInt(offset), at + 8)
    file.writeBigUInt64LE(BigInt(address), at + 16)
    file.writeBigUInt64LE(BigInt(size), at + 32)
  }
  for (const [index, [tag, value]] of entries.entries()) {
    file.writeBigUInt64LE(BigInt(tag), dynamicAt + index * 16)
    file.writeBigUInt64LE(BigInt(value), dynamicAt + index * 16 + 8)
  }
  strings.copy(file, 1024)
  file.write(interpreter, 1536)
  return file
}

async function read(content: Buffer) {
  const path = join(folder, 'file')
  await writeFile(path, content)
  return readElf(path)
}

test('tells architecture, loader and libraries', async () => {
  assert.equal(await read(elf(183, '/lib/ld-linux-aarch64.so.1', ['libc.so.6', 'libm.so.6'])), {
    machine: 'arm64',
    interpreter: '/lib/ld-linux-aarch64.so.1',
    needed: ['libc.so.6', 'libm.so.6'],
  })
})

test('an architecture that is not ours is "other"', async () => {
  assert.is((await read(elf(243, '/lib/ld.so', [])))?.machine, 'other')
})

test('a script is no ELF file', async () => {
  assert.is(await read(Buffer.from('#!/bin/sh\n'.padEnd(100))), undefined)
})

test('an empty file is no ELF file', async () => {
  assert.is(await read(Buffer.alloc(0)), undefined)
})

test('reads a program of this machine', async () => {
  const shell = await readElf('/bin/sh')
  assert.ok(shell?.needed.includes('libc.so.6'))
  assert.match(shell?.interpreter ?? '', /^\/lib/)
})

test.run()
