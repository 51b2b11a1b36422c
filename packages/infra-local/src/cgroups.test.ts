import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { callersGroups, isUnified, removeGroups } from './cgroups.ts'

const test = suite('cgroups')
const unified = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n'
const hybrid = `cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
`

test('v2: one group', () => {
  const self = '0::/user.slice/user-0.slice/session-1.scope\n'
  assert.equal(callersGroups(self, unified), ['/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope'])
})

test('v1 beside v2: a group in every hierarchy that is mounted', () => {
  const self = '9:name=systemd:/a\n4:memory:/b/c\n3:cpu,cpuacct:/\n2:cpuset:/not-mounted\n0::/\n'
  assert.equal(callersGroups(self, hybrid), [
    '/sys/fs/cgroup/systemd/a',
    '/sys/fs/cgroup/memory/b/c',
    '/sys/fs/cgroup/cpu,cpuacct/',
    '/sys/fs/cgroup/unified/',
  ])
})

test('a caller in a group of ours makes no groups below it', () => {
  assert.equal(callersGroups('0::/x/sealer-local/lab/lab-m1\n', unified), ['/sys/fs/cgroup/x'])
})

test('only v2 without v1 counts as unified', () => {
  assert.ok(isUnified(unified))
  assert.not(isUnified(hybrid))
})

test('groups go the innermost first, and with the last host the folders above', async () => {
  const world = mkdtempSync(join(tmpdir(), 'sealer-groups-'))
  const group = (host: string) => join(world, 'sealer-local', 'lab', host)
  for (const folder of [join(group('lab-m1'), 'payload', 'init.scope'), group('lab-n1')])
    mkdirSync(folder, { recursive: true })
  await removeGroups([group('lab-m1')])
  assert.equal(readdirSync(join(world, 'sealer-local', 'lab')), ['lab-n1'])
  await removeGroups([group('lab-n1'), join(world, 'sealer-local', 'lab', 'never-made')])
  assert.equal(readdirSync(world), [])
  rmSync(world, { recursive: true })
})

test('what this process says of itself is understood', () => {
  const groups = callersGroups(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mounts', 'utf8'))
  assert.ok(groups.every((group) => group.startsWith('/')))
})

test.run()
