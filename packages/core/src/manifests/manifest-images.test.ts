import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imagesInManifest } from './manifest-images.ts'

const test = suite('images in a manifest')
const found = (text: string) => imagesInManifest(text).images.map(({ reference, line }) => `${line} ${reference}`)
const doubts = (text: string) => imagesInManifest(text).doubts.map(({ reason, line }) => `${line} ${reason}`)

test('containers of every kind, wherever a pod template stands', () => {
  const text = `apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers:
            - {name: init, image: "quay.io/x/init:1"}
          containers:
            - name: main
              image: 'nginx' # short
            - image: nginx:1.25@sha256:${'a'.repeat(64)}
          ephemeralContainers: [{image: busybox:1}]
`
  assert.equal(found(text), [
    '9 quay.io/x/init:1',
    '12 docker.io/library/nginx:latest',
    `13 docker.io/library/nginx:1.25@sha256:${'a'.repeat(64)}`,
    '14 docker.io/library/busybox:1',
  ])
})

test('lists, several documents, JSON, anchors and comments', () => {
  const text = `apiVersion: v1
kind: List
items:
  - kind: Pod
    spec: {"containers": [{"name": "a", "image": "a/b:1"}]}
---
x: &image a/anchored:1 # note
kind: Pod
spec:
  containers:
    - image: *image
`
  assert.equal(found(text), ['5 docker.io/a/b:1', '11 docker.io/a/anchored:1'])
})

test('images of other resources, by key and by repository and tag', () => {
  const text = `kind: Prometheus
spec:
  image: quay.io/prometheus/prometheus:v2
  sidecarImage: quay.io/x/sidecar:1
  thanos:
    image: {repository: quay.io/thanos/thanos, tag: v0.1}
  web:
    image: {registry: ghcr.io, repository: x/y, tag: 2, digest: "sha256:${'b'.repeat(64)}"}
`
  assert.equal(found(text), [
    '3 quay.io/prometheus/prometheus:v2',
    '4 quay.io/x/sidecar:1',
    '6 quay.io/thanos/thanos:v0.1',
    `8 ghcr.io/x/y:2@sha256:${'b'.repeat(64)}`,
  ])
})

test('an image volume is an image', () => {
  const text = `kind: Pod
spec:
  volumes:
    - name: data
      image:
        reference: quay.io/x/data:1
`
  assert.equal(found(text), ['6 quay.io/x/data:1'])
})

test('a manifest inside a ConfigMap', () => {
  const text = `kind: ConfigMap
data:
  other: "image of a cat"
  template: |
    kind: Pod
    spec:
      containers:
        - image: quay.io/x/injected:1
`
  assert.equal(found(text), ['8 quay.io/x/injected:1'])
  assert.equal(doubts(text), [])
})

test('schemas of custom resources and arguments name no image', () => {
  const text = `kind: CustomResourceDefinition
spec:
  versions:
    - schema: {openAPIV3Schema: {properties: {image: {type: string, default: quay.io/x/y:1}, containers: {items: {}}}}}
---
kind: Pod
spec:
  containers:
    - image: quay.io/x/main:1
      args: ["--image=quay.io/x/arg:1"]
      imagePullPolicy: Always
`
  assert.equal(found(text), ['9 quay.io/x/main:1'])
  assert.equal(doubts(text), [])
})

test('what may be an image is told, not dropped', () => {
  const text = `kind: Thing
image: debian
logoImage: https://example.test/logo.png
spec:
  containers:
    - image: $(IMAGE)
---
kind: ConfigMap
data:
  template: |
    image: {{ .Values.image }}: x
`
  assert.equal(found(text), [])
  assert.is(doubts(text).length, 4)
  assert.match(doubts(text)[0] ?? '', /^2 "image: debian" may be an image/)
  assert.match(doubts(text)[2] ?? '', /^6 "\$\(IMAGE\)" is the image of a container/)
})

test.run()
