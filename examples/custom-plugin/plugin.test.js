// node --test plugin.test.js, where @sealer/core can be found
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeHost, runtimeContract } from '@sealer/core/testing'
import { beacon } from './index.js'
import { BeaconRuntime } from './runtime.js'

const log = { debug() {}, info() {}, warn() {} }

/** A host whose systemd remembers what it was told of the beacon. */
function beaconHost(name, roles) {
  let active = false
  return fakeHost(name, roles)
    .answer(/^systemctl is-active/, () => (active ? 'active\n' : { stdout: 'inactive\n', exitCode: 3 }))
    .answer(/^systemctl restart/, () => {
      active = true
      return ''
    })
    .answer(/^systemctl disable/, () => {
      active = false
      return ''
    })
}

runtimeContract(test, () => ({
  runtime: new BeaconRuntime(log, { port: 8088 }),
  hosts: [beaconHost('m1', ['master']), beaconHost('n1', ['node'])],
}))

test('it takes the port that it is given', async () => {
  const host = beaconHost('m1', ['master'])
  const runtime = new BeaconRuntime(log, { port: 9099 })
  const known = [{ view: host, facts: await host.facts(), exists: true }]
  const [step] = runtime.install({ wanted: { cluster: 'lab' }, hosts: known, rootfs: '/r', rootfsStep: () => 'rootfs' })
  await step.do({ host })
  assert.match(host.files.get('/etc/systemd/system/beacon.service'), /^ExecStart=\/r\/bin\/beacon 9099 lab$/m)
})

test('other runtimes are left to others', async () => {
  let chosen
  beacon().apply({
    hooks: {
      choose: { runtime: { tapPromise: (_, choose) => (chosen = choose) } },
      install: { steps: { tapPromise() {} } },
    },
  })
  assert.equal(await chosen({ runtime: 'kubernetes' }), undefined)
})
