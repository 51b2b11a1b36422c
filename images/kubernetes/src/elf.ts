import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import type { Arch } from './platform.ts'

/** What the header and the dynamic section of an ELF file say. */
export interface Elf {
  /** `other`: neither x86-64 nor ARM64. */
  readonly machine: Arch | 'other'
  /** The dynamic loader by its path, e.g. `/lib64/ld-linux-x86-64.so.2`; absent in static programs and libraries. */
  readonly interpreter?: string
  /** Names of the shared libraries that it needs, e.g. `libc.so.6`. */
  readonly needed: readonly string[]
}

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

const LOAD = 1
const DYNAMIC = 2
const INTERPRETER = 3
const NEEDED = 1
const STRING_TABLE = 5
const machines: Readonly<Record<number, Arch>> = { 62: 'amd64', 183: 'arm64' }

/** Reads a 64-bit little-endian ELF file (System V ABI, chapters 4 and 5); undefined if it is something else. */
export async function readElf(path: string): Promise<Elf | undefined> {
  const file = await open(path)
  try {
    const header = await read(file, 0, 64)
    const machine = elfMachine(header)
    if (machine === undefined) return undefined
    const segments = await readSegments(file, header)
    const interpreter = segments.find(({ type }) => type === INTERPRETER)
    return {
      machine,
      ...(interpreter && { interpreter: text(await read(file, interpreter.offset, interpreter.size), 0) }),
      needed: await readNeeded(file, segments),
    }
  } finally {
    await file.close()
  }
}

/** The architecture that the first 64 bytes of a file tell; undefined if they begin no 64-bit little-endian ELF file. */
export function elfMachine(header: Buffer): Elf['machine'] | undefined {
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46) return undefined
  if (header[4] !== 2 || header[5] !== 1) return undefined
  return machines[header.readUInt16LE(18)] ?? 'other'
}

async function readSegments(file: FileHandle, header: Buffer): Promise<Segment[]> {
  const size = header.readUInt16LE(54)
  const table = await read(file, number(header, 32), size * header.readUInt16LE(56))
  return Array.from({ length: size === 0 ? 0 : Math.floor(table.length / size) }, (_, index) => {
    const entry = table.subarray(index * size)
    return {
      type: entry.readUInt32LE(0),
      offset: number(entry, 8),
      address: number(entry, 16),
      size: number(entry, 32),
    }
  })
}

async function readNeeded(file: FileHandle, segments: readonly Segment[]): Promise<string[]> {
  const dynamic = segments.find(({ type }) => type === DYNAMIC)
  if (dynamic === undefined) return []
  const table = await read(file, dynamic.offset, dynamic.size)
  const entries = Array.from({ length: Math.floor(table.length / 16) }, (_, index) => ({
    tag: number(table, index * 16),
    value: number(table, index * 16 + 8),
  }))
  const address = entries.find(({ tag }) => tag === STRING_TABLE)?.value
  const holder = segments.find(
    (segment) =>
      segment.type === LOAD &&
      address !== undefined &&
      address >= segment.address &&
      address < segment.address + segment.size,
  )
  if (address === undefined || holder === undefined) return []
  const strings = await read(file, holder.offset + address - holder.address, holder.address + holder.size - address)
  return entries.filter(({ tag }) => tag === NEEDED).map(({ value }) => text(strings, value))
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function number(buffer: Buffer, offset: number): number {
  return Number(buffer.readBigUInt64LE(offset))
}

function text(buffer: Buffer, offset: number): string {
  const end = buffer.indexOf(0, offset)
  return buffer.toString('utf8', offset, end === -1 ? undefined : end)
}
