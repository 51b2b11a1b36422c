import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { resolveWanted } from './resolve-wanted.ts'
import type { Images } from './sealer.ts'
import { fakeImage } from './testing/wanted-on.ts'
import type { Wish } from './wish.ts'

const test = suite('resolve-wanted')

const { store, platforms, config } = fakeImage()
const images = {
  admit: async () => {},
  store: {
    ...store,
    resolve: async (reference: string) => ({ reference, digest: 'sha256:0', platforms, size: 0, created: 0 }),
    platform: async () => ({ config: await config({ os: 'linux', architecture: 'amd64' }) }),
  },
} as unknown as Images
const hosts: Wish['hosts'] = [{ address: '10.0.0.1', roles: ['master'] }]
const accessOf = async (wish: Wish) => {
  const sshSettings = () => ({ user: 'from-config', port: 2222 })
  const wanted = await resolveWanted({ image: 'base:v1', ...wish }, images, { sshSettings })
  return wanted.hosts[0]?.ssh
}

test("a login is what the host says, else what all say, else what this machine's SSH says", async () => {
  assert.equal(await accessOf({ hosts }), { user: 'from-config', port: 2222 })
  assert.equal(await accessOf({ hosts, ssh: { user: 'all' } }), { user: 'all', port: 2222 })
  const own = [{ address: '10.0.0.1', roles: ['master'], ssh: { user: 'own' } }]
  assert.equal(await accessOf({ hosts: own, ssh: { user: 'all', port: 22 } }), { user: 'own', port: 22 })
})

test('without any word it is root at port 22', async () => {
  const wanted = await resolveWanted({ image: 'base:v1', hosts }, images)
  assert.equal(wanted.hosts[0]?.ssh, { user: 'root', port: 22 })
})

test.run()
