import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { askedFor } from './asked.ts'

const test = suite('asked')
const digest = `sha256:${'a'.repeat(64)}`
const nginx = { registry: 'docker.io', repository: 'library/nginx' }

test('the upstream stands in the query, as containerd writes it', () => {
  assert.equal(askedFor('/v2/library/nginx/manifests/1.25?ns=docker.io'), {
    kind: 'manifest',
    name: nginx,
    tagOrDigest: '1.25',
  })
  assert.equal(askedFor(`/v2/team/app/blobs/${digest}?ns=10.0.0.1%3A5000`), {
    kind: 'blob',
    name: { registry: '10.0.0.1:5000', repository: 'team/app' },
    digest,
  })
})

test('or it is the first part of the path, where a port’s colon is written as two underscores', () => {
  assert.equal(askedFor(`/v2/docker.io/library/nginx/manifests/${digest}`), {
    kind: 'manifest',
    name: nginx,
    tagOrDigest: digest,
  })
  assert.equal(askedFor('/v2/registry.test__5000/a/b/manifests/v1'), {
    kind: 'manifest',
    name: { registry: 'registry.test:5000', repository: 'a/b' },
    tagOrDigest: 'v1',
  })
})

test('repositories may be called like parts of the protocol', () => {
  assert.equal(askedFor('/v2/quay.io/blobs/manifests/manifests/blobs'), {
    kind: 'manifest',
    name: { registry: 'quay.io', repository: 'blobs/manifests' },
    tagOrDigest: 'blobs',
  })
})

test('what names no image of a registry is not answered', () => {
  const bad = [
    '/',
    '/v3/',
    '/v2/nginx/manifests/1.25',
    '/v2/library/nginx/manifests/1.25',
    '/v2/library/nginx/manifests/1.25?ns=',
    '/v2/library/nginx/manifests/1.25?ns=not%20a%20host',
    '/v2/library/nginx/manifests/1.25?ns=docker.io/../x',
    '/v2/docker.io/../../etc/passwd/manifests/v1',
    '/v2/docker.io/library/nginx/manifests/a%2Fb',
    '/v2/docker.io/library/nginx/blobs/sha256:short',
    '/v2/docker.io/library/nginx/blobs/uploads/',
    '/v2/docker.io/library/nginx/tags/list',
    `/v2/docker.io/${'a/'.repeat(5000)}/manifests/v1`,
    'http://[',
  ]
  for (const url of bad) assert.is(askedFor(url), undefined, url)
  assert.equal(askedFor('/v2/'), { kind: 'version' })
})

test.run()
