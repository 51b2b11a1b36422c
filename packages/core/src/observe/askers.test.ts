import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KubeObject } from '../launch/kubectl.ts'
import { Askers } from './askers.ts'

const test = suite('askers')
const launched = { apps: [{ name: 'flannel' }, { name: 'shop' }, { name: 'db' }], launch: ['shop', 'db'], cmds: [] }

interface Made {
  readonly kind?: string
  readonly name: string
  readonly owner?: { readonly kind: string; readonly name: string }
  readonly images?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly generateName?: string
}

const made = ({ kind = 'Pod', name, owner, images = [], labels = {}, generateName }: Made) =>
  ({
    kind,
    metadata: {
      name,
      namespace: 'shop',
      labels,
      ...(generateName === undefined ? {} : { generateName }),
      ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, controller: true }] }),
    },
    spec: { containers: images.map((image) => ({ image })) },
  }) as KubeObject

function seen(...objects: readonly Made[]): Askers {
  const askers = new Askers(launched)
  askers.look(objects.map(made))
  return askers
}

test('a pod of a Deployment is traced to it, through its replica set', () => {
  const askers = seen(
    { name: 'web-6b7-xk2', owner: { kind: 'ReplicaSet', name: 'web-6b7' }, images: ['nginx'] },
    { kind: 'ReplicaSet', name: 'web-6b7', owner: { kind: 'Deployment', name: 'web' } },
  )
  assert.equal(askers.of('docker.io/library/nginx:latest'), { apps: [], who: ['Deployment shop/web'] })
})

test('a pod that a custom resource owns is traced to that', () => {
  const askers = seen({ name: 'main-0', owner: { kind: 'Database', name: 'main' }, images: ['quay.io/pg/pg:17'] })
  assert.equal(askers.of('quay.io/pg/pg:17').who, ['Database shop/main'])
})

test('a name that was drawn by lot is told without the lot', () => {
  const askers = seen({ name: 'probe-x8k2f', generateName: 'probe-', images: ['quay.io/a/b:1'] })
  assert.equal(askers.of('quay.io/a/b:1').who, ['Pod shop/probe-*'])
})

test('with a digest the tag is not looked at, as no registry is asked for it', () => {
  const digest = `sha256:${'1'.repeat(64)}`
  const askers = seen({ name: 'a', images: [`quay.io/a/b:1@${digest}`] })
  assert.equal(askers.of(`quay.io/a/b@${digest}`).who, ['Pod shop/a'])
})

test('a release has the name of its app', () => {
  const labels = { 'app.kubernetes.io/instance': 'db' }
  assert.equal(seen({ name: 'a', images: ['quay.io/a/b:1'], labels }).of('quay.io/a/b:1').apps, ['db'])
  const other = { 'app.kubernetes.io/instance': 'no-app-of-ours' }
  assert.equal(seen({ name: 'a', images: ['quay.io/a/b:1'], labels: other }).of('quay.io/a/b:1').apps, [])
})

test('where one app alone is launched, it is that one', () => {
  const askers = new Askers({ ...launched, launch: ['shop'] })
  askers.look([made({ name: 'a', images: ['quay.io/a/b:1'] })])
  assert.equal(askers.of('quay.io/a/b:1').apps, ['shop'])
})

test('images of init containers and of volumes belong to the pod', () => {
  const askers = new Askers(launched)
  const spec = {
    initContainers: [{ image: 'quay.io/a/init:1' }],
    containers: [{ image: 'quay.io/a/main:1' }],
    volumes: [{ image: { reference: 'quay.io/a/data:1' } }, { emptyDir: {} }],
  }
  askers.look([{ kind: 'Pod', metadata: { name: 'a', namespace: 'shop' }, spec }])
  for (const name of ['init', 'main', 'data']) assert.equal(askers.of(`quay.io/a/${name}:1`).who, ['Pod shop/a'])
})

test('of a pod that nobody saw, its event tells the namespace', () => {
  const askers = seen({ name: 'a', images: ['quay.io/a/seen:1'] })
  const event = (image: string) => ({
    kind: 'Event',
    message: `Pulling image "${image}"`,
    involvedObject: { kind: 'Pod', namespace: 'jobs' },
  })
  askers.hear([event('quay.io/a/gone:1'), event('quay.io/a/seen:1'), event('not a name')] as readonly KubeObject[])
  assert.equal(askers.of('quay.io/a/gone:1').who, ['a pod of jobs'])
  assert.equal(askers.of('quay.io/a/seen:1').who, ['Pod shop/a'])
})

test('owners that own each other, and names that are none, do no harm', () => {
  const askers = seen(
    { name: 'a', owner: { kind: 'Job', name: 'x' }, images: ['UPPER/case', '', '\u001b[31m'] },
    { kind: 'Job', name: 'x', owner: { kind: 'Job', name: 'x' }, images: [] },
    { name: 'b', owner: { kind: 'Job', name: 'x' }, images: ['quay.io/a/b:1'] },
  )
  assert.equal(askers.of('quay.io/a/b:1').who, ['Job shop/x'])
})

test.run()
