import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { mergedKubeconfig } from './merge-kubeconfig.ts'

const test = suite('merging kubeconfigs')

const added = `apiVersion: v1
kind: Config
clusters: [{name: kubernetes, cluster: {server: "https://10.0.0.1:6443"}}]
users: [{name: kubernetes-admin, user: {token: t}}]
contexts: [{name: kubernetes-admin@kubernetes, context: {cluster: kubernetes, user: kubernetes-admin}}]
current-context: kubernetes-admin@kubernetes
`
const there = `# mine
apiVersion: v1
kind: Config
clusters:
  - name: work # keep
    cluster: {server: "https://work"}
users: []
contexts: null
`

test('entries carry the name of the cluster', () => {
  assert.equal(parse(mergedKubeconfig(undefined, added, 'lab', 'f')), {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server: 'https://10.0.0.1:6443' } }],
    users: [{ name: 'lab', user: { token: 't' } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  })
})

test('what is there stays, comments included', () => {
  const merged = mergedKubeconfig(there, added, 'lab', 'f')
  assert.match(merged, '# mine')
  assert.match(merged, 'name: work # keep')
  const { clusters } = parse(merged) as { clusters: { name: string }[] }
  assert.equal(
    clusters.map((cluster) => cluster.name),
    ['work', 'lab'],
  )
})

test('merged twice is merged once', () => {
  const once = mergedKubeconfig(there, added, 'lab', 'f')
  assert.is(mergedKubeconfig(once, added, 'lab', 'f'), once)
})

test('a file that is none is left alone', () => {
  assert.throws(() => mergedKubeconfig('- a list', added, 'lab', 'mine.yaml'), /mine\.yaml is no kubeconfig/)
})

test.run()
