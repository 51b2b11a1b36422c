import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSealer } from '../create-sealer.ts'
import type { Platform } from '../hosts/host.ts'
import { amd64, arm64, temporaryFolder } from '../image/small-images.test.support.ts'
import { temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import type { Plugin } from '../plugin.ts'
import { defaultFacts } from '../testing/default-facts.ts'

const test = suite('install')

/** Hosts that nobody has made yet, one for each platform, with disks that hold nothing. */
const futureHosts = (...platforms: readonly Platform[]): Plugin => ({
  name: 'future-hosts',
  apply({ hooks }) {
    hooks.choose.infra.tapPromise('future-hosts', async () => ({
      name: 'future',
      observe: async () =>
        platforms.map((platform, index) => ({
          spec: { name: `h${index + 1}`, address: `10.0.0.${index + 1}`, roles: ['master'] },
          state: 'absent' as const,
          expected: {
            ...{ ...defaultFacts, hostname: `h${index + 1}`, machineId: `${index}`, addresses: [] },
            ...{ platform, diskFreeBytes: 0 },
          },
        })),
      steps: () => [],
      release: () => [],
    }))
    hooks.choose.runtime.tapPromise('future-hosts', async () => ({
      name: 'future',
      delivery: 'hosts',
      install: () => [],
      remove: () => [],
      status: async () => ({ state: 'absent', nodes: [] }),
    }))
  },
})

test('every host for which the image holds nothing is named, beside all other problems', async () => {
  await using home = await temporaryFolder()
  await using context = await temporaryContext({ Kubefile: 'FROM scratch\nCOPY file file\n', file: 'text' })
  const mips = { os: 'linux', architecture: 'mips64le' }
  await using sealer = createSealer({ home: home.path, plugins: [futureHosts(amd64, arm64, mips)] })
  await sealer.build({ context: context.folder, tag: 'app:v1', platforms: [amd64] })
  const checks = await sealer.check({ image: 'app:v1', counts: { masters: 3, nodes: 0 } })
  const problems = checks.filter(({ ok }) => !ok)
  assert.equal(
    problems.map(({ id, host }) => `${id} ${host}`),
    ['disk-space h1', 'host-platform h2', 'host-platform h3'],
  )
  assert.match(problems[1]?.message ?? '', /linux\/arm64, but .*app:v1 holds only linux\/amd64/)
})

test('an image of apps alone is refused where a cluster would be made of it', async () => {
  await using home = await temporaryFolder()
  await using context = await temporaryContext({ Kubefile: 'FROM scratch\nCOPY file file\n', file: 'text' })
  await using sealer = createSealer({ home: home.path, plugins: [futureHosts(amd64)] })
  await sealer.build({ context: context.folder, tag: 'apps:v1', platforms: [amd64], type: 'app-installer' })
  const checks = await sealer.check({ image: 'apps:v1', counts: { masters: 1, nodes: 0 } })
  const problem = checks.find(({ id }) => id === 'image-installs')
  assert.is(problem?.ok, false)
  assert.match(problem?.remedy ?? '', 'sealer merge BASE apps:v1 -t NAME')
})

test.run()
