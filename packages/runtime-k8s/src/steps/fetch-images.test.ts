import type { CarriedImage, PlatformImage } from '@sealer/core'
import { fakeImage } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { firstImages, nameByDigest } from './fetch-images.ts'

const test = suite('fetch-images')

const carried = (reference: string, apps: readonly string[] = []): CarriedImage => ({
  reference,
  digest: '',
  mediaType: '',
  blobs: [],
  apps,
  reasons: [],
})

async function image(): Promise<Pick<PlatformImage, 'config' | 'images'>> {
  const apps = [
    { name: 'flannel', type: 'kube', files: [], kind: 'cni' } as const,
    { name: 'web', type: 'kube', files: [] } as const,
  ]
  return {
    config: await fakeImage({ apps }).config({ os: 'linux', architecture: 'amd64' }),
    images: [
      carried('registry.k8s.io/kube-apiserver:v1.34.4'),
      carried('10.0.0.1:5000/kube-proxy:v1.34.4'),
      carried(`registry.k8s.io/pause@sha256:${'a'.repeat(64)}`),
      carried('ghcr.io/flannel-io/flannel:v1', ['flannel']),
      carried('docker.io/library/nginx:1', ['web']),
    ],
  }
}

test('a node fetches what it runs first, by name and by the apps for its network', async () => {
  const first = firstImages(await image(), ['pause', 'kube-proxy'])
  assert.equal(
    first.map(({ reference }) => reference),
    [
      '10.0.0.1:5000/kube-proxy:v1.34.4',
      `registry.k8s.io/pause@sha256:${'a'.repeat(64)}`,
      'ghcr.io/flannel-io/flannel:v1',
    ],
  )
})

test('the name by digest keeps the registry with its port, and nothing of the tag', () => {
  const digest = `sha256:${'b'.repeat(64)}`
  for (const tail of ['', ':v1.34.4', `:v1@${digest}`, `@${digest}`]) {
    assert.is(nameByDigest({ reference: `10.0.0.1:5000/a/b${tail}`, digest }), `10.0.0.1:5000/a/b@${digest}`)
  }
})

test.run()
