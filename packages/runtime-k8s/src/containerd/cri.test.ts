import { fakeHost } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { criFailure } from './cri.ts'

const test = suite('cri')
const known = 'Type:     io.containerd.grpc.v1\nID:       cri\n'

test('a part of containerd that serves the kubelet is no failure', async () => {
  assert.is(await criFailure(fakeHost('m1').answer('plugins ls', known), '/r/bin'), undefined)
})

test('one that could not be loaded tells why', async () => {
  const failed = `${known}Error:\n          Code:        Unknown\n          Message:     failed to create fsnotify watcher: too many open files\n`
  assert.is(
    await criFailure(fakeHost('m1').answer('plugins ls', failed), '/r/bin'),
    'failed to create fsnotify watcher: too many open files',
  )
})

test.run()
