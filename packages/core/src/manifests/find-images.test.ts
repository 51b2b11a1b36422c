import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { draftOf, everyKindOfFile, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { chartReader, type RenderChart } from './chart-reader.ts'
import { type FoundImages, findImages, type NamedImages, type SearchInput } from './find-images.ts'
import type { ImageSearch } from './image-reader.ts'
import { manifestReader } from './manifest-reader.ts'

const test = suite('find images')

interface Options extends Pick<SearchInput, 'lists' | 'ignored' | 'withLogins'> {
  /** Without it there is no helm. */
  readonly render?: RenderChart
}

function find(input: Pick<SearchInput, 'entries'> & Pick<ImageSearch, 'apps'>, { render, ...more }: Options = {}) {
  const search = {
    apps: input.apps,
    settingsOf: async () => ({ sets: [{ name: '', texts: [] }], tests: false, apiVersions: [] }),
    cache: '/nowhere',
    program: async () => (render === undefined ? undefined : '/bin/helm'),
  }
  const readers = [chartReader(render), manifestReader()]
  return findImages({ entries: input.entries, search, ...more }, readers)
}

const unnamed = ({ reference, apps, reasons }: NamedImages) => ({ reference, apps, reasons })
const told = ({ doubts }: FoundImages) => doubts.map(({ place, reason }) => `${place}: ${reason}`)

/** What is found in an image that a Kubefile makes of some files. */
async function search(files: Readonly<Record<string, string>>, instructions: string, options: Options = {}) {
  await using context = await temporaryContext(files)
  const { layers, apps } = await draftOf(context, instructions)
  const entries = layers.flatMap((layer) => layer.entries)
  return await find({ entries, apps }, options)
}

test('each image says which line needs it, and which app', async () => {
  const { images } = await search(everyKindOfFile, 'COPY deploy manifests\nAPP web local://deploy/web.yaml')
  assert.equal(images.map(unnamed), [
    { reference: 'hub.example/db:1.0', apps: [], reasons: ['manifests/20/db.yaml:9'] },
    {
      reference: 'hub.example/web:1.0',
      apps: ['web'],
      reasons: ['manifests/web.yaml:9', 'application/apps/web/web.yaml:9'],
    },
  ])
})

test('lists: names, comments, quotes, archives', async () => {
  const list = `# images\n\n"nginx:1.25"\nquay.io/x/y@sha256:${'a'.repeat(64)} # pinned\noci:images\noci-archive:a b.tar\n`
  const { images, archives } = await search({ imageList: list }, 'COPY imageList manifests/', {
    lists: [{ file: 'more.txt', text: 'docker-archive:app.tar\r\nnginx:1.25\r\n' }],
  })
  assert.equal(
    images.map(({ reference, reasons }) => [reference, ...reasons]),
    [
      ['docker.io/library/nginx:1.25', 'manifests/imageList:3', 'more.txt:2'],
      [`quay.io/x/y@sha256:${'a'.repeat(64)}`, 'manifests/imageList:4'],
    ],
  )
  assert.equal(archives, [
    { transport: 'oci', path: 'images', place: 'manifests/imageList:5' },
    { transport: 'oci-archive', path: 'a b.tar', place: 'manifests/imageList:6' },
    { transport: 'docker-archive', path: 'app.tar', place: 'more.txt:1' },
  ])
})

test('what is ignored is told with the line that says so: short and full names, patterns, with and without tag', async () => {
  const files = {
    imageList: 'nginx:1.25\nquay.io/x/y:1\nquay.io/x/z:2\nbusybox:1\nghcr.io/a/b:1\n',
    imageIgnore: '# ours\ndocker.io/library/nginx:1.25\nquay.io/x/*\n',
  }
  const found = await search(files, 'COPY imageList imageIgnore manifests/', {
    ignored: [{ file: 'more', text: 'busybox\nghcr.io/a/b:2' }],
  })
  assert.equal(
    found.images.map(({ reference }) => reference),
    ['ghcr.io/a/b:1'],
  )
  assert.equal(told(found), [
    'manifests/imageList:1: docker.io/library/nginx:1.25 is ignored, as manifests/imageIgnore:2 says',
    'manifests/imageList:2: quay.io/x/y:1 is ignored, as manifests/imageIgnore:3 says',
    'manifests/imageList:3: quay.io/x/z:2 is ignored, as manifests/imageIgnore:3 says',
    'manifests/imageList:4: docker.io/library/busybox:1 is ignored, as more:1 says',
  ])
})

test('rules beside the manifests say where a custom resource names images', async () => {
  const imageRules = `rules:
  - group: example.test
    kinds: [Thing]
    images:
      - spec.runner
      - first: [spec.custom, "quay.io/x/thing:{spec.version}"]
      - {each: spec.parts.*, first: ["{repo}/{name}:{version|/spec.version}"]}
      - {first: [spec.args], after: --helper}
      - data["app.conf"].runtime.image
    ignore: [spec.logoImage]
`
  const thing = `apiVersion: example.test/v1
kind: Thing
spec:
  runner: runner
  version: 1.2.3+k3s1
  logoImage: quay.io/x/logo:1
  parts: [{repo: quay.io/p, name: a}, {repo: quay.io/p, name: b, version: "sha256:${'c'.repeat(64)}"}]
  args: [--helper=quay.io/x/h:1, --helper, quay.io/x/h:2, --helpers=quay.io/x/h:3]
data:
  app.conf: |
    # settings
    runtime: {image: "quay.io/x/inner:1"}
`
  const found = await search({ imageRules, 'thing.yaml': thing }, 'COPY imageRules thing.yaml manifests/')
  assert.equal(
    found.images.map(({ reference, reasons }) => [reference, ...reasons]),
    [
      ['docker.io/library/runner:latest', 'manifests/thing.yaml:4'],
      ['quay.io/x/thing:1.2.3-k3s1', 'manifests/thing.yaml:5'],
      ['quay.io/p/a:1.2.3-k3s1', 'manifests/thing.yaml:7'],
      [`quay.io/p/b@sha256:${'c'.repeat(64)}`, 'manifests/thing.yaml:7'],
      ['quay.io/x/h:1', 'manifests/thing.yaml:8'],
      ['quay.io/x/h:2', 'manifests/thing.yaml:8'],
      ['quay.io/x/inner:1', 'manifests/thing.yaml:12'],
    ],
  )
  for (const bad of [
    'rules: {}',
    'rules: [{group: x, image: [a]}]',
    'a: [',
    'rules: [{group: x, images: ["a..b["]}]',
  ]) {
    const error = await rejection<SealerError>(search({ imageRules: bad }, 'COPY imageRules manifests/'))
    assert.match(error.code, /^IMAGE_RULES?_INVALID$/)
  }
})

test('a name in a list that is none is refused with its line', async () => {
  const error = await rejection<SealerError>(search({ imageList: 'a\nB:1:2\n' }, 'COPY imageList manifests/'))
  assert.is(error.code, 'IMAGE_LIST_INVALID')
  assert.match(error.message, /^manifests\/imageList:2: /)
})

test('a manifest that cannot be read is told with its line, and the rest is read', async () => {
  const bad = 'a: 1\nb: [\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: "a/b:1"}]}'
  for (const instruction of ['COPY bad.yaml manifests/', 'APP web local://bad.yaml']) {
    const found = await search({ 'bad.yaml': bad }, instruction)
    assert.match(told(found)[0] ?? '', /bad\.yaml:3: this is not read as a manifest/)
    assert.equal(
      found.images.map(({ reference }) => reference),
      ['docker.io/a/b:1'],
    )
  }
})

test('YAML of another kind of app may be anything, and is told', async () => {
  const files = { 'app/values.yaml': 'a: {{ b }}: c', 'app/install.sh': '' }
  const found = await search(files, 'APP web local://app\nAPPCMDS web ["bash", "install.sh"]')
  assert.match(told(found)[0] ?? '', /^application\/apps\/web\/values\.yaml:1: this is not read as a manifest/)
})

test('a template gives the names that it does not make', async () => {
  const template = `{{ if .A }}
kind: Pod
spec:
  containers:
    - image: quay.io/x/plain:1
    - image: {{ .Registry }}/y:1
{{- end }}
`
  const found = await search({ 'pod.yaml.tmpl': template }, 'COPY pod.yaml.tmpl manifests/')
  assert.equal(
    found.images.map(({ reference, reasons }) => [reference, ...reasons]),
    [['quay.io/x/plain:1', 'manifests/pod.yaml.tmpl:5']],
  )
  assert.match(told(found)[0] ?? '', /^manifests\/pod\.yaml\.tmpl:6: the name of this image is made by a template/)
})

test('other files and folders are not looked at', async () => {
  const { images } = await search(everyKindOfFile, 'COPY deploy etc\nCOPY deploy/web.yaml manifests/web.txt')
  assert.equal(images, [])
})

test('charts are rendered: of apps, and below charts/', async () => {
  const seen: string[] = []
  const render: RenderChart = async ({ path, release, entries }) => {
    seen.push(`${release} ${path} ${entries.length}`)
    return {
      images: [{ reference: `hub.example/${release}:1`, place: `${path}/templates/deploy.yaml` }],
      doubts: [],
      problems: [],
      defines: [],
    }
  }
  const { images } = await search(everyKindOfFile, 'APP cache local://chart/cache\nCOPY chart charts', { render })
  assert.equal(seen, ['cache application/apps/cache 3', 'cache charts/cache 3'])
  assert.equal(images.map(unnamed), [
    {
      reference: 'hub.example/cache:1',
      apps: ['cache'],
      reasons: ['application/apps/cache/templates/deploy.yaml', 'charts/cache/templates/deploy.yaml'],
    },
  ])
})

test('a chart that another app brings along is rendered, one inside a chart is part of it', async () => {
  const seen: string[] = []
  const render: RenderChart = async ({ path, entries }) => {
    seen.push(`${path} ${entries.length}`)
    return { images: [], doubts: [], problems: [], defines: [] }
  }
  const files = {
    'app/install.sh': '',
    'app/x/Chart.yaml': 'name: x',
    'app/x/templates/a.yaml': 'a: {{ b }}: c',
    'app/x/charts/y/Chart.yaml': 'name: y',
  }
  const { doubts } = await search(files, 'APP web local://app\nAPPCMDS web ["bash", "install.sh"]', { render })
  assert.equal(seen, ['application/apps/web/x 3'])
  assert.equal(doubts, [])
})

test('a link to a manifest is a manifest; one to elsewhere is told', async () => {
  await using context = await temporaryContext(everyKindOfFile)
  await context.link('tree/manifests/web.yaml', '../deploy/web.yaml')
  await context.link('tree/manifests/gone.yaml', '/etc/gone.yaml')
  await context.link('tree/manifests/circle.yaml', 'circle.yaml')
  const { layers, apps } = await draftOf(context, 'COPY deploy deploy\nCOPY tree .')
  const entries = layers.flatMap((layer) => layer.entries)
  const found = await find({ entries, apps })
  assert.equal(
    found.images.map(({ reasons }) => reasons),
    [['manifests/web.yaml:9']],
  )
  assert.equal(told(found), [
    'manifests/circle.yaml: this link leads to nothing that is read here',
    'manifests/gone.yaml: this link leads to nothing that is read here',
  ])
})

test('without helm a chart is refused, unless somebody has listed images', async () => {
  const error = await rejection<SealerError>(search(everyKindOfFile, 'APP cache local://chart/cache'))
  assert.is(error.code, 'CHART_TOOL_MISSING')
  assert.match(error.hint, /manifests\/imageList/)
  const lists = [{ file: 'list', text: 'hub.example/cache:1.0' }]
  const found = await search(everyKindOfFile, 'APP cache local://chart/cache', { lists })
  assert.equal(
    found.images.map(({ reference }) => reference),
    ['hub.example/cache:1.0'],
  )
  assert.match(told(found)[0] ?? '', /^application\/apps\/cache: there is no helm/)
})

test.run()
