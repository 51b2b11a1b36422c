import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { containerdConfig, sandboxIn } from './config.ts'

const test = suite('containerd config')

const config = (systemdCgroups: boolean, oomScoreAdj: boolean) =>
  containerdConfig({ systemdCgroups, oomScoreAdj }, '/r/bin', 'registry.k8s.io/pause:3.10.1')

test('the sandbox image can be read back', () => {
  assert.is(sandboxIn(config(true, true)), 'registry.k8s.io/pause:3.10.1')
  assert.is(sandboxIn('version = 3\n'), undefined)
})

test('oom_score_adj is restricted only where a host forbids to lower it', () => {
  assert.match(config(true, false), 'restrict_oom_score_adj = true')
  assert.not.match(config(true, true), 'restrict_oom_score_adj')
})

test('systemd makes the cgroups where it owns them', () => {
  assert.match(config(true, true), 'SystemdCgroup = true')
  assert.match(config(false, true), 'SystemdCgroup = false')
})

test.run()
