import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { temporaryFolder } from '../image/small-images.test.support.ts'
import { draftOf, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { imageFiles } from './image-files.ts'
import type { ImageSearch, ImageSource } from './image-reader.ts'
import { kustomizeReader } from './kustomize-reader.ts'
import { imagesInManifest } from './manifest-images.ts'

const test = suite('kustomizations')

const pod = (image: string) => `kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - image: ${image}\n`

interface Options {
  /** In the place of kubectl: `$last` is the folder. */
  readonly script?: string
  readonly search?: Partial<ImageSearch>
}

/** What is claimed and found in files of a context, which stand below `manifests/` unless instructions say otherwise. */
async function read(files: Readonly<Record<string, string>>, instructions = 'COPY . manifests', options: Options = {}) {
  const { script = 'find "$last" -name "*.yaml" ! -name "kustom*" | sort | xargs cat' } = options
  await using context = await temporaryContext(files)
  await using folder = await temporaryFolder()
  const kubectl = join(folder.path, 'kubectl')
  const count = join(folder.path, 'count')
  await writeFile(kubectl, `#!/bin/sh\nfor last; do :; done\necho "$*" >> ${count}\n${script}\n`)
  await chmod(kubectl, 0o755)
  const { layers, apps } = await draftOf(context, instructions)
  const { files: entries } = imageFiles(layers.flatMap((layer) => layer.entries))
  const search: ImageSearch = {
    apps,
    listed: false,
    lenient: true,
    cache: folder.path,
    program: async () => kubectl,
    settingsOf: () => Promise.reject(new Error('no chart')),
    rules: '',
    imagesIn: (text) => imagesInManifest(text),
    ...options.search,
  }
  const reader = kustomizeReader()
  const once = async () => {
    const sources = await reader.claim(entries, search)
    const found = []
    for (const source of sources) found.push(await reader.read(source, search))
    return { sources, found }
  }
  const { sources, found } = await once()
  await once()
  return {
    claimed: (sources as ImageSource[]).map(
      ({ path, files: own }) => `${path}: ${own.map((file) => file.path).join(' ')}`,
    ),
    images: found.flatMap((one) => one.images.map(({ reference, place }) => `${reference} ${place}`)),
    told: found.flatMap((one) => one.doubts.map(({ place, reason }) => `${place}: ${reason}`)),
    runs: (await readFile(count, 'utf8').catch(() => '')).split('\n').length - 1,
  }
}

test('what no other builds upon is rendered, with all that it builds upon', async () => {
  const { claimed, images } = await read({
    'base/kustomization.yaml': 'resources: [web.yaml]',
    'base/web.yaml': pod('base/web:1'),
    'component/kustomization.yaml': 'kind: Component\npatches: [{path: p.yml}]',
    'component/p.yml': 'x: 1',
    'overlays/a/kustomization.yml': 'bases: [../../base]\ncomponents: [../../component]\n',
    'overlays/b/Kustomization': 'resources: [../../base/, more.yaml]',
    'overlays/b/more.yaml': pod('more/b:1'),
    'plain.yaml': pod('plain/pod:1'),
  })
  assert.equal(claimed, [
    'manifests/overlays/a: manifests/base/kustomization.yaml manifests/base/web.yaml manifests/component/kustomization.yaml manifests/component/p.yml manifests/overlays/a/kustomization.yml',
    'manifests/overlays/b: manifests/base/kustomization.yaml manifests/base/web.yaml manifests/overlays/b/Kustomization manifests/overlays/b/more.yaml',
  ])
  assert.equal(images, ['docker.io/more/b:1 manifests/overlays/b/Kustomization (Pod p)'])
})

test('an app with a kustomization is rendered, although another builds upon it', async () => {
  const files = {
    'app/kustomization.yaml': 'resources: [web.yaml]',
    'app/web.yaml': pod('base/web:1'),
    'app/more/kustomization.yaml': 'resources: [..]',
  }
  const { claimed } = await read(files, 'APP web local://app')
  assert.equal(
    claimed.map((line) => line.split(':')[0]),
    ['application/apps/web', 'application/apps/web/more'],
  )
})

test('the same files are rendered once', async () => {
  const found = await read({ 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': pod('a/b:1') })
  assert.equal(found.images, ['docker.io/a/b:1 manifests/kustomization.yaml (Pod p)'])
  assert.is(found.runs, 1)
})

test('what stands elsewhere is named and taken out; the rest is rendered', async () => {
  const files = {
    'kustomization.yaml': `resources: [a.yaml, "https://github.com/x/y//z?ref=v1", none.yaml, example.com/a/b.git]
helmCharts: [{name: db, repo: "https://charts.example"}]
configMapGenerator: [{name: c, files: [x=gone.txt], envs: [a.env]}]
`,
    'a.yaml': pod('a/b:1'),
    'a.env': 'A=1',
  }
  const { told, images } = await read(files, undefined, {
    script: 'sed "s/^/# /" $last/kustomization.yaml; echo; cat $last/a.yaml',
  })
  const place = 'manifests/kustomization.yaml'
  assert.equal(told.sort(), [
    `${place}: example.com/a/b.git stands elsewhere, and builds have no network: put it into this tree`,
    `${place}: gone.txt is not there`,
    `${place}: https://github.com/x/y//z?ref=v1 stands elsewhere, and builds have no network: put it into this tree`,
    `${place}: its chart db is rendered by nobody: make a chart of its own of it`,
    `${place}: none.yaml is not there`,
  ])
  assert.equal(images, [`docker.io/a/b:1 ${place} (Pod p)`])
})

test('a file beside a kustomization that does not name it belongs to nothing', async () => {
  const files = { 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': pod('a/b:1'), 'b.yaml': pod('c/d:1') }
  const { told } = await read(files, undefined, { script: 'cat $last/a.yaml' })
  assert.equal(told, [
    'manifests/b.yaml:5: docker.io/c/d:1 stands in a file that the kustomization manifests does not name',
  ])
})

test('one that sealer applies must be whole', async () => {
  const search = { lenient: undefined } as unknown as Partial<ImageSearch>
  const remote = { 'app/kustomization.yaml': 'resources: ["https://example.com/x.yaml"]' }
  const error = await rejection<SealerError>(read(remote, 'APP web local://app', { search }))
  assert.is(error.code, 'KUSTOMIZATION_INVALID')
  const broken = { 'app/kustomization.yaml': 'resources: []' }
  const script = 'echo "Error: it is empty" >&2; exit 1'
  const said = await rejection<SealerError>(read(broken, 'APP web local://app', { search, script }))
  assert.match(said.message, /application\/apps\/web\/kustomization\.yaml: .*Error: it is empty/)
  const none = { ...search, program: async () => undefined }
  const missing = await rejection<SealerError>(read(broken, 'APP web local://app', { search: none }))
  assert.is(missing.code, 'KUSTOMIZE_MISSING')
  const shell = 'APP web local://app\nAPPCMDS web ["kubectl apply -k sub"]'
  const { told } = await read({ 'app/sub/kustomization.yaml': 'resources: [x.yaml]' }, shell, { search })
  assert.equal(told, ['application/apps/web/sub/kustomization.yaml: x.yaml is not there'])
})

test('Flux has a kind of that name, and broken ones are told', async () => {
  const { claimed, told } = await read({
    'flux/kustomization.yaml': 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n',
    'broken/kustomization.yaml': 'resources: [a\nb: c',
    'list/kustomization.yaml': '- a',
  })
  assert.equal(claimed, ['manifests/broken: manifests/broken/kustomization.yaml'])
  assert.match(told.join('\n'), /^manifests\/broken\/kustomization\.yaml:2: [^\n]+$/)
})

test('what does not render still names the images that it is made of', async () => {
  const { images, told } = await read(
    {
      'base/kustomization.yaml': 'resources: [pod.yaml]',
      'base/pod.yaml': 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "a/web:1"}]}\n',
      'over/kustomization.yaml': 'resources: [../base]',
    },
    'COPY . manifests',
    { script: 'echo "Error: no patch" >&2; exit 1' },
  )
  assert.equal(images, ['docker.io/a/web:1 manifests/base/pod.yaml:3'])
  assert.match(told.join('\n'), /no patch/)
})

test.run()
