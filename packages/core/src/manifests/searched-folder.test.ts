import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { searchedFolder } from './searched-folder.ts'

const test = suite('searched folder')

async function searched(files: Readonly<Record<string, string>>, at: string) {
  await using context = await temporaryContext(files)
  const { path, entries, beside } = await searchedFolder(`${context.folder}/${at}`)
  const paths = (list: typeof entries) => list.map((entry) => entry.path).sort()
  return { path, entries: paths(entries), beside: paths(beside) }
}

test('paths begin with the name of the folder; what it builds upon comes with it', async () => {
  const files = {
    'base/kustomization.yaml': 'resources: [a.yaml, ../more]',
    'base/a.yaml': '',
    'more/kustomization.yml': 'components: [../part]',
    'part/Kustomization': '',
    'overlays/site/kustomization.yaml': 'resources: [../../base, "https://example.com/x", ./none]',
    'overlays/other/kustomization.yaml': '',
    'secret.yaml': '',
  }
  assert.equal(await searched(files, 'overlays/site'), {
    path: 'context/overlays/site',
    entries: ['context/overlays/site/kustomization.yaml'],
    beside: [
      'context/base/a.yaml',
      'context/base/kustomization.yaml',
      'context/more/kustomization.yml',
      'context/part/Kustomization',
    ],
  })
  assert.equal((await searched(files, 'base/a.yaml')).path, 'a.yaml')
  assert.equal((await searched(files, 'part')).beside, [])
})

test('charts that are asked for by file:// come with it, and those above', async () => {
  const files = {
    'charts/web/Chart.yaml':
      'name: web\ndependencies: [{name: c, repository: "file://../common"}, {name: x, repository: "file:///etc"}]',
    'charts/common/Chart.yaml': 'name: common',
    'charts/common/templates/_a.tpl': '',
  }
  assert.equal((await searched(files, 'charts/web')).beside, [
    'charts/common/Chart.yaml',
    'charts/common/templates/_a.tpl',
  ])
})

test('a base above its overlay is beside it, without it', async () => {
  const files = { 'app/kustomization.yaml': '', 'app/a.yaml': '', 'app/site/kustomization.yaml': 'resources: [..]' }
  assert.equal(await searched(files, 'app/site'), {
    path: 'app/site',
    entries: ['app/site/kustomization.yaml'],
    beside: ['app/a.yaml', 'app/kustomization.yaml'],
  })
})

test.run()
