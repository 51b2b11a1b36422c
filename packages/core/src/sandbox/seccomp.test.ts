import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { seccompFilter } from './seccomp.ts'

const test = suite('seccomp')

const [allowed, eperm, enosys] = [0x7fff0000, 0x00050001, 0x00050026]
const architectures: Readonly<Record<string, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }

/** What the kernel would answer: runs the filter on the data of a system call (linux/seccomp.h, struct seccomp_data). */
function answer(processor: string, call: number, argument = 0, architecture = architectures[processor] ?? 0): number {
  const filter = seccompFilter(processor) ?? Buffer.alloc(0)
  const data: Readonly<Record<number, number>> = { 0: call, 4: architecture, 16: argument }
  let accumulator = 0
  for (let at = 0; at < filter.length / 8; at++) {
    const [code, yes, no] = [filter.readUInt16LE(at * 8), filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)]
    const value = filter.readUInt32LE(at * 8 + 4)
    if (code === 0x06) return value
    if (code === 0x20) accumulator = data[value] ?? Number.NaN
    else {
      const holds = { 21: accumulator === value, 53: accumulator >= value, 69: (accumulator & value) !== 0 }[code]
      if (holds === undefined) throw new Error(`there is no instruction ${code}`)
      at += holds ? yes : no
    }
  }
  throw new Error('the filter has no end')
}

const calls = {
  x64: { read: 0, execve: 59, setuid: 105, clone: 56, mount: 165, unshare: 272, bpf: 321, keyctl: 250 },
  arm64: { read: 63, execve: 221, setuid: 146, clone: 220, mount: 40, unshare: 97, bpf: 280, keyctl: 219 },
}
for (const [processor, numbers] of Object.entries(calls)) {
  test(`on ${processor} a build may do what it needs, and nothing with mounts, namespaces and the kernel`, () => {
    const { read, execve, setuid, clone, ...refused } = numbers
    for (const call of [read, execve, setuid]) assert.is(answer(processor, call), allowed)
    for (const call of Object.values(refused)) assert.is(answer(processor, call), eperm)
    for (const ioUring of [425, 426, 427]) assert.is(answer(processor, ioUring), eperm)
    assert.is(answer(processor, clone, 0x003d0f00), allowed) // a thread
    for (const flag of [0x00020000, 0x02000000, 0x10000000, 0x20000000, 0x40000000])
      assert.is(answer(processor, clone, flag | 17), eperm)
    assert.is(answer(processor, 435), enosys) // clone3: the C library takes clone instead
  })

  test(`on ${processor} other instruction sets have no system calls`, () => {
    assert.is(answer(processor, numbers.read, 0, 0x40000003), enosys)
    assert.is(answer(processor, 0x40000000 + numbers.read), enosys)
  })
}

test('there is no filter for a processor without a table', () => assert.is(seccompFilter('s390x'), undefined))

test.run()
