import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../clock.ts'
import { RegistryClient } from './registry-client.ts'
import { type RegistryDouble, registryDouble } from './registry-double.test.support.ts'
import { codeOf } from './small-images.test.support.ts'

const test = suite('registry-listing')

const clock: Clock = { now: () => 0, sleep: async () => {} }
const client = () => new RegistryClient({ home: '/nonexistent', clock, secrets: { remember: () => {} } })

/** Answers lists by path; what is not named is 404. */
function lists(registry: RegistryDouble, pages: Readonly<Record<string, { body: object; link?: string }>>): void {
  registry.fault = (request, response) => {
    const page = pages[request.url ?? '']
    if (page === undefined) return false
    response.writeHead(200, page.link === undefined ? {} : { link: page.link }).end(JSON.stringify(page.body))
    return true
  }
}

test('the tags of an image come page by page, without what is no tag', async () => {
  await using registry = await registryDouble()
  await using own = client()
  lists(registry, {
    '/v2/team/app/tags/list?n=1000': { body: { tags: ['v2', 'v\u001b[31m1'] }, link: '</v2/more>; rel="next"' },
    '/v2/more': { body: { tags: ['v10'] } },
  })
  assert.equal(await own.search({ registry: registry.host, repository: 'team/app' }), [
    `${registry.host}/team/app:v10`,
    `${registry.host}/team/app:v2`,
  ])
})

test('a part of a name finds repositories, where the registry lists them', async () => {
  await using registry = await registryDouble()
  await using own = client()
  const search = (repository: string) => own.search({ registry: registry.host, repository })
  assert.is(await codeOf(search('app')), 'REGISTRY_LACKS')
  lists(registry, { '/v2/_catalog?n=1000': { body: { repositories: ['team/app', 'team/web'] } } })
  assert.equal(await search('app'), [`${registry.host}/team/app`])
  assert.is((await search('')).length, 2)
})

test('pages that lead to another server, or go round in circles, come to an end', async () => {
  await using registry = await registryDouble()
  await using own = client()
  const name = { registry: registry.host, repository: 'team/app' }
  const first = '/v2/team/app/tags/list?n=1000'
  lists(registry, { [first]: { body: { tags: ['v1'] }, link: '<http://other.example/>; rel="next"' } })
  assert.is((await own.search(name)).length, 1)
  lists(registry, { [first]: { body: { tags: ['v1'] }, link: `<${first}>; rel="next"` } })
  assert.ok((await own.search(name)).length <= 100)
})

test.run()
