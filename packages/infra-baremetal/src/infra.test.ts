import { fakeHost, infraContract, rejection, wantedOn } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BaremetalInfra } from './infra.ts'

const test = suite('infra-baremetal')
const master = fakeHost('m1', ['master'])
const node = fakeHost('n1')

infraContract(test, () => ({ infra: new BaremetalInfra(), wanted: wantedOn([master, node]) }))

test('hosts are taken as they are named, roles of all kinds included', async () => {
  const hosts = [fakeHost('m1', ['master', 'storage']), fakeHost('gpu', ['gpu'])]
  const seen = await new BaremetalInfra().observe(wantedOn(hosts))
  assert.equal(
    seen.map(({ spec, state }) => `${spec.name} ${spec.roles} ${state}`),
    ['m1 master,storage running', 'gpu gpu running'],
  )
})

test('without hosts, both ways to name some are told', async () => {
  const error = await rejection(new BaremetalInfra().observe(wantedOn([])))
  assert.match(error.message, /none are named/)
})

test('a cluster has a master', async () => {
  assert.match((await rejection(new BaremetalInfra().observe(wantedOn([node])))).message, /"master"/)
})

test('one host is not two', async () => {
  const infra = new BaremetalInfra()
  const twin = fakeHost('n2', ['node'], { address: node.address })
  assert.match((await rejection(infra.observe(wantedOn([master, node, twin])))).message, /the address/)
  const namesake = fakeHost('n1', ['node'], { address: '10.9.9.9' })
  assert.match((await rejection(infra.observe(wantedOn([master, node, namesake])))).message, /the name n1/)
})

test('one address with two ports is two hosts', async () => {
  const behind = (name: string, port: number) =>
    fakeHost(name, ['master'], { spec: { address: '10.0.0.1', ssh: { user: 'root', port } } })
  assert.is((await new BaremetalInfra().observe(wantedOn([behind('a', 2201), behind('b', 2202)]))).length, 2)
})

test('an option is refused by name', async () => {
  const wanted = wantedOn([master], { infraOptions: { zone: 'x' } })
  assert.match((await rejection(new BaremetalInfra().observe(wanted))).message, /"zone"/)
})

test.run()
