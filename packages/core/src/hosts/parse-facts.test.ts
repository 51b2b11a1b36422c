import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { parseFacts } from './parse-facts.ts'

const test = suite('parse-facts')

const answer = `time 1700000000500000000
seconds 1700000000
machine aarch64
kernel 6.1.0
hostname m1
machine-id 0123
os-id debian
os-version 12
os-name Debian GNU/Linux 12 (bookworm)
cpus 4
memory 8000
swaps 0
cgroup cgroup2fs
systemd yes
oom yes
sysctls yes
disk 1000
listen 0016
listen 192B
listen 0016
address 127.0.0.1/8
address 10.0.0.1/24
address fe80::1/64
address fd00::2/64
end yes
`
const at = 1_700_000_000_000
const facts = (text = answer) => parseFacts('m1', text, at)
const without = (name: string) => answer.replace(new RegExp(`^${name} .*\n`, 'm'), '')

test('a whole answer gives all facts', () => {
  assert.equal(facts(), {
    platform: { os: 'linux', architecture: 'arm64' },
    os: { id: 'debian', version: '12', name: 'Debian GNU/Linux 12 (bookworm)' },
    kernel: '6.1.0',
    hostname: 'm1',
    machineId: '0123',
    cpus: 4,
    memoryBytes: 8_192_000,
    swap: false,
    cgroup: 2,
    systemdCgroups: true,
    oomScoreAdj: true,
    writableSysctls: true,
    diskFreeBytes: 1_024_000,
    listening: [22, 6443],
    clockSkewMs: 500,
    addresses: ['10.0.0.1', 'fd00::2'],
  })
})

test('machines are named as OCI names them', () => {
  const platform = (machine: string) => facts(answer.replace('aarch64', machine)).platform
  assert.equal(platform('x86_64'), { os: 'linux', architecture: 'amd64' })
  assert.equal(platform('armv7l'), { os: 'linux', architecture: 'arm', variant: 'v7' })
  assert.equal(platform('riscv64'), { os: 'linux', architecture: 'riscv64' })
})

test('with cgroup v1 systemd holds the controllers on a machine, not in a container', () => {
  const v1 = answer.replace('cgroup2fs', 'tmpfs')
  assert.ok(facts(v1).systemdCgroups)
  assert.not(facts(v1.replace('end yes', 'container yes\nend yes')).systemdCgroups)
  assert.not(facts(without('systemd')).systemdCgroups)
})

test('a date without nanoseconds is good for half a second', () => {
  assert.is(facts(answer.replace('time 1700000000500000000', 'time 1700000000%N')).clockSkewMs, 500)
})

test('an answer that is cut off is refused', () => {
  for (const name of ['end', 'machine', 'cpus', 'memory', 'disk']) {
    try {
      facts(without(name))
      assert.unreachable()
    } catch (error) {
      assert.is((error as SealerError).code, 'FACTS_UNREADABLE')
    }
  }
})

test('a hostile answer brings no control characters, no huge values, no numbers that are none', () => {
  const hostile = facts(
    `listen FFFF;reboot\naddress $(reboot)\ncpus Infinity\nmachine-id \x1b]0;x\x07evil${'y'.repeat(9_999)}\n${answer}`,
  )
  assert.equal(hostile.listening, [22, 6443])
  assert.equal(hostile.addresses, ['10.0.0.1', 'fd00::2'])
  assert.is(hostile.cpus, 4)
  assert.is(hostile.machineId.length, 256)
  assert.not.match(hostile.machineId, /[\x00-\x1f]/)
})

test.run()
