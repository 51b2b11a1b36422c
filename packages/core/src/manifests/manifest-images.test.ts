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

test('each says the object and the field', () => {
  const text = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"image": "a/b:1"}]}}`
  assert.equal(imagesInManifest(text).images, [
    { reference: 'docker.io/a/b:1', line: 1, field: 'Pod web: spec.containers[0].image' },
  ])
})

test('lists, several documents, JSON, anchors and comments', () => {
  const text = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    spec: {"containers": [{"name": "a", "image": "a/b:1"}]}
--- # another
x: &image a/anchored:1 # note
apiVersion: v1
kind: Pod
spec:
  containers:
    - image: *image
`
  assert.equal(found(text), ['6 docker.io/a/b:1', '13 docker.io/a/anchored:1'])
})

test('a document that is broken is told with its line, and the others are read', () => {
  const text = `%YAML 1.2
---
apiVersion: v1
kind: Pod
spec: {containers: [{image: a/one:1}]}
---
kind: Pod
  spec: [
    image: a/lost:1
---
apiVersion: v1
kind: Pod
spec: {containers: [{image: a/two:1}]}
`
  assert.equal(found(text), ['5 docker.io/a/one:1', '13 docker.io/a/two:1'])
  assert.match(doubts(text)[0] ?? '', /^8 this is not read as a manifest/)
  assert.match(doubts(text)[1] ?? '', /^9 "a\/lost:1" may be an image of a manifest that cannot be read/)
})

test('images of custom resources without a rule, by key, in pieces, and of anything like a container', () => {
  const text = `apiVersion: example.test/v1
kind: Thing
spec:
  image: quay.io/x/main:v2
  sidecarImage: quay.io/x/sidecar:1
  web:
    image: {repository: quay.io/x/web, tag: v0.1}
  api:
    image: {registry: ghcr.io, repository: x/y, tag: 2, digest: "sha256:${'b'.repeat(64)}"}
  worker: {image: busybox, resources: {}}
  imageRepository: quay.io/x/flat
  imageTag: 1.5
  images: [quay.io/x/extra:1, {name: other}]
  proxy: {repository: x/proxy, tag: "3", imagePullPolicy: Always}
`
  assert.equal(found(text), [
    '11 docker.io/x/flat:1.5'.replace('docker.io/x', 'quay.io/x'),
    '4 quay.io/x/main:v2',
    '5 quay.io/x/sidecar:1',
    '7 quay.io/x/web:v0.1',
    `9 ghcr.io/x/y:2@sha256:${'b'.repeat(64)}`,
    '10 docker.io/library/busybox:latest',
    '13 quay.io/x/extra:1',
    '14 docker.io/x/proxy:3',
  ])
  assert.equal(doubts(text), [])
})

test('an image volume is an image, a disk of a volume is none', () => {
  const text = `apiVersion: v1
kind: Pod
spec:
  volumes:
    - name: data
      image:
        reference: quay.io/x/data:1
    - name: disk
      rbd: {image: pool/disk:1}
`
  assert.equal(found(text), ['7 quay.io/x/data:1'])
})

test('a manifest inside a ConfigMap, also as a template', () => {
  const text = `apiVersion: v1
kind: ConfigMap
data:
  other: "image of a cat"
  settings: |
    image: quay.io/x/setting:1
  pod: |
    apiVersion: v1
    kind: Pod
    spec:
      containers:
        - image: quay.io/x/injected:1
        - image: {{ .Values.image }}
        {{- if .More }}
        - image: quay.io/x/more:1
        {{- end }}
`
  assert.equal(found(text), ['12 quay.io/x/injected:1', '15 quay.io/x/more:1'])
  assert.equal(doubts(text), [
    '6 "image: quay.io/x/setting:1" stands outside of any object of Kubernetes',
    '13 the name of this image is made by a template; list what it becomes in manifests/imageList',
  ])
})

test('schemas, statuses, annotations, labels and other tools name no image', () => {
  const text = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  versions:
    - schema: {openAPIV3Schema: {properties: {image: {type: string, default: quay.io/x/y:1}, containers: {items: {}}}}}
---
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"quay.io/x/old:1"}]}}
spec:
  containers:
    - image: quay.io/x/main:1
      imagePullPolicy: Always
status:
  containerStatuses: [{image: quay.io/x/status:1}]
---
services: {db: {image: "mysql:8"}}
`
  assert.equal(found(text), ['15 quay.io/x/main:1'])
  assert.equal(doubts(text), ['20 "image: mysql:8" stands outside of any object of Kubernetes'])
})

test('environment and arguments are told; an annotation makes them images', () => {
  const pod = (annotations: string) => `apiVersion: v1
kind: Pod
metadata:
  annotations: {${annotations}}
spec:
  containers:
    - image: quay.io/x/main:1
      args: ["--reloader=quay.io/x/reloader:1", "--same=quay.io/x/main:1", --verbose]
      env: [{name: AGENT_IMAGE, value: "quay.io/x/agent:2"}]
`
  assert.equal(found(pod('')), ['7 quay.io/x/main:1'])
  assert.equal(
    doubts(pod('')).map((text) => text.slice(0, 35)),
    ['8 "--reloader=quay.io/x/reloader:1"', '9 "quay.io/x/agent:2" looks like an'],
  )
  const marked = pod(
    `"sealer.io/image-fields": "spec.containers.*.env[name=AGENT_IMAGE].value", "sealer.io/images": "quay.io/x/reloader:1, quay.io/x/hidden:1"`,
  )
  assert.equal(found(marked).sort(), [
    '4 quay.io/x/hidden:1',
    '4 quay.io/x/reloader:1',
    '7 quay.io/x/main:1',
    '9 quay.io/x/agent:2',
  ])
  assert.equal(doubts(marked), [])
})

test('parameters that an object gives itself are filled in', () => {
  const text = `apiVersion: tekton.dev/v1
kind: Task
spec:
  params:
    - {name: BUILDER, default: "quay.io/x/builder:1"}
    - {name: other}
  steps:
    - {name: build, image: $(params.BUILDER), script: make}
    - {name: more, image: $(params.other), script: make}
---
apiVersion: template.openshift.io/v1
kind: Template
parameters: [{name: TAG, value: "7"}]
objects:
  - apiVersion: v1
    kind: Pod
    spec: {containers: [{image: "quay.io/x/web:\${TAG}"}]}
`
  assert.equal(found(text), ['8 quay.io/x/builder:1', '17 quay.io/x/web:7'])
  assert.match(doubts(text)[0] ?? '', /^9 "\$\(params\.other\)" is the image of a container/)
})

test('what may be an image is told, not dropped', () => {
  const text = `apiVersion: example.test/v1
kind: Thing
image: debian
logoImage: https://example.test/logo.png
cloudImage: projects/x/global/images/y
web: {image: {repository: quay.io/x/web}}
spec:
  containers:
    - image: $(IMAGE)
`
  assert.equal(found(text), [])
  assert.is(doubts(text).length, 5)
  assert.match(doubts(text)[0] ?? '', /^3 "image: debian" may be an image/)
  assert.match(doubts(text)[3] ?? '', /^6 image gives a repository, quay\.io\/x\/web, and leaves the tag/)
  assert.match(doubts(text)[4] ?? '', /^9 "\$\(IMAGE\)" is the image of a container/)
})

test.run()
