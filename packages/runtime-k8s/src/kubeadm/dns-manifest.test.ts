import { loadAll } from 'js-yaml'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dnsManifest } from './dns-manifest.ts'

const test = suite('dns-manifest')

const printed = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: coredns
        readinessProbe: {httpGet: {path: /ready, port: readiness-probe}}
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, resourceVersion: "0"}
spec: {clusterIP: 10.96.0.10}
`

test('CoreDNS is asked every two seconds; everything else is as kubeadm prints it', () => {
  assert.equal(loadAll(dnsManifest(printed)), [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'coredns' },
      spec: {
        replicas: 2,
        template: {
          spec: {
            containers: [
              {
                name: 'coredns',
                readinessProbe: { httpGet: { path: '/ready', port: 'readiness-probe' }, periodSeconds: 2 },
              },
            ],
          },
        },
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns' }, spec: { clusterIP: '10.96.0.10' } },
  ])
})

test.run()
