import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { definedApiVersions, ownApiVersions } from './api-versions.ts'

const test = suite('API versions')

test('a cluster serves what its version has, by version and by kind', () => {
  const older = ownApiVersions('v1.28.3')
  assert.ok(older.includes('policy/v1'))
  assert.ok(older.includes('policy/v1/PodDisruptionBudget'))
  assert.ok(older.includes('v1/Pod'))
  assert.not.ok(older.includes('resource.k8s.io/v1'))
  assert.ok(ownApiVersions('1.34').includes('resource.k8s.io/v1/DeviceClass'))
  assert.equal(ownApiVersions(undefined), [])
})

test('definitions of custom resources bring what they serve', () => {
  const definitions = `kind: Service
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: example.com
  names: {kind: Widget}
  versions: [{name: v1, served: true}, {name: v1alpha1, served: false}]
---
kind: CustomResourceDefinition
spec: {group: old.example.com, version: v1beta1, names: {kind: Gadget}}
---
kind: CustomResourceDefinition
spec: broken
`
  assert.equal(definedApiVersions(definitions), [
    'example.com/v1',
    'example.com/v1/Widget',
    'old.example.com/v1beta1',
    'old.example.com/v1beta1/Gadget',
  ])
  assert.equal(definedApiVersions('kind: CustomResourceDefinition\na: ['), [])
})

test.run()
