import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CacheNotes } from '../image/cache-notes.ts'
import { temporaryFolder } from '../image/small-images.test.support.ts'
import { draftOf, everyKindOfFile, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { type ChartImages, type ChartTool, imagesInChart } from './chart.ts'
import { imageFiles } from './image-files.ts'
import { imagesInManifest } from './manifest-images.ts'
import type { ChartSettings } from './value-sets.ts'

const test = suite('chart')

/** Keys of any YAML count: the programs that stand in for helm write no whole objects. */
const imagesIn = (text: string) => imagesInManifest(text, undefined, { loose: true })

const settings: ChartSettings = {
  sets: [{ name: '', texts: [] }],
  tests: false,
  kubernetes: 'v1.34.4',
  apiVersions: [],
}

async function toolOf(folder: string, script: string, more: Partial<ChartSettings> = {}): Promise<ChartTool> {
  const helm = join(folder, 'helm')
  await writeFile(helm, `#!/bin/sh\nfor last; do :; done\n${script}\n`)
  await chmod(helm, 0o755)
  const notes = new CacheNotes(join(folder, 'notes'))
  return { helm, settings: { ...settings, ...more }, apiVersions: [], notes, rules: '', imagesIn }
}

/** Runs a script in the place of helm: `$last` is the chart. */
async function render(
  script: string,
  more: Partial<ChartSettings> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<ChartImages> {
  await using context = await temporaryContext({ ...everyKindOfFile, ...files })
  await using folder = await temporaryFolder()
  const { layers } = await draftOf(context, 'APP cache local://chart/cache')
  const { files: entries } = imageFiles(layers[0]?.entries ?? [])
  return await imagesInChart(
    { path: 'application/apps/cache', release: 'cache', entries },
    await toolOf(folder.path, script, more),
  )
}

const said = (list: readonly { readonly place: string; readonly reason: string }[]) =>
  list.map(({ place, reason }) => `${place}: ${reason}`)

test('what is rendered names the images, each with its template', async () => {
  const { images } = await render(`
test "$1 $2 $3" = "template --kube-version v1.34.4" || exit 1
printf -- '---\\n# Source: cache/templates/deploy.yaml\\n'
sed "s|{{ .Values.image }}|$(sed 's/image: //' $last/values.yaml)|" $last/templates/deploy.yaml`)
  assert.equal(images, [
    {
      reference: 'hub.example/cache:1.0',
      field: 'Deployment cache: spec.template.spec.containers[0].image',
      place: 'application/apps/cache/templates/deploy.yaml',
    },
  ])
})

test('the same chart is rendered once', async () => {
  await using context = await temporaryContext(everyKindOfFile)
  await using folder = await temporaryFolder()
  const count = join(folder.path, 'count')
  const tool = await toolOf(folder.path, `echo x >> ${count}\necho 'image: a/b:1'`)
  const rendered = async (more: Partial<ChartSettings> = {}) => {
    const { layers } = await draftOf(context, 'APP cache local://chart/cache')
    const { files: entries } = imageFiles(layers[0]?.entries ?? [])
    const chart = { path: 'application/apps/cache', release: 'cache', entries }
    return imagesInChart(chart, { ...tool, settings: { ...settings, ...more } })
  }
  assert.equal(await rendered(), await rendered())
  assert.is(await readFile(count, 'utf8'), 'x\n')
  await context.write('chart/cache/values.yaml', 'image: other\n')
  await rendered()
  assert.is(await readFile(count, 'utf8'), 'x\nx\n')
  await rendered({ kubernetes: 'v1.33.0' })
  assert.is(await readFile(count, 'utf8'), 'x\nx\nx\n')
})

test('a chart that does not render is a problem, told with what helm says', async () => {
  const { problems } = await render('echo "Error: $last/values.yaml: nil pointer" >&2; exit 1')
  assert.equal(said(problems), ['application/apps/cache: Error: application/apps/cache/values.yaml: nil pointer'])
})

test('sets of values are united; the first that names an image is told', async () => {
  const sets = [
    { name: '', texts: [] },
    { name: 'metrics', texts: ['metrics: true\n', 'tag: "2"\n'] },
  ]
  const { images } = await render(
    `
printf -- '---\\n# Source: cache/templates/deploy.yaml\\n'
echo "image: a/cache:1"
for one; do case $one in *.yaml) test -f "$one" && grep -q metrics "$one" && printf -- '---\\n# Source: cache/templates/m.yaml\\nimage: a/metrics:1\\n'; esac; done
exit 0`,
    { sets },
  )
  assert.equal(
    images.map(({ reference, place }) => `${reference} ${place}`),
    [
      'docker.io/a/cache:1 application/apps/cache/templates/deploy.yaml',
      'docker.io/a/metrics:1 application/apps/cache/templates/m.yaml (values metrics)',
    ],
  )
})

test('a chart that needs values may fail with its own alone, where given ones do', async () => {
  const script =
    'for one; do case $one in *.yaml) echo "image: a/b:1"; exit 0; esac; done; echo "Error: password is required" >&2; exit 1'
  const own = { name: '', texts: [] }
  const alone = await render(script)
  assert.equal(said(alone.problems), ['application/apps/cache: Error: password is required'])
  const given = await render(script, { sets: [own, { name: 'site', texts: ['password: x'] }] })
  assert.equal(given.problems, [])
  assert.match(said(given.doubts).join('\n'), /does not render with its own values alone:\nError: password is required/)
})

test('what it renders into must be YAML', async () => {
  const { problems } = await render(
    `printf -- '---\\n# Source: cache/templates/a.yaml\\na: [\\n---\\n# Source: cache/templates/b.yaml\\nimage: a/b:1\\n'`,
  )
  assert.match(
    said(problems).join(),
    /^application\/apps\/cache\/templates\/a\.yaml: line \d of what it renders into: /,
  )
})

test('images of helm test are left out, unless they are asked for', async () => {
  const script = `printf -- '---\\n# Source: cache/templates/t.yaml\\nkind: Pod\\nmetadata:\\n  annotations: {"helm.sh/hook": "test-success, test"}\\nspec:\\n  containers:\\n    - image: a/probe:1\\n'`
  const { images, doubts } = await render(script)
  assert.equal(images, [])
  assert.match(said(doubts).join('\n'), /t\.yaml: docker\.io\/a\/probe:1 is run by helm test alone/)
  assert.equal((await render(script, { tests: true })).images.length, 1)
})

test('what stands in the values and is not rendered is told, and not carried', async () => {
  const values = `image: {repository: a/cache, tag: 1}
exporter:
  enabled: false
  image:
    registry: quay.io
    repository: x/exporter
    tag: v2
backup: {image: "hub.example/backup:3"}
path: etc/image
`
  const { images, doubts } = await render(
    "echo 'image: mirror.example/a/cache:1'",
    {},
    { 'chart/cache/values.yaml': values },
  )
  assert.equal(
    images.map(({ reference }) => reference),
    ['mirror.example/a/cache:1'],
  )
  assert.equal(
    doubts.map(({ place, reason, minor }) => `${place} ${reason.split(' ')[0]} ${minor}`),
    [
      'application/apps/cache/values.yaml:6 (exporter.image) quay.io/x/exporter:v2 true',
      'application/apps/cache/values.yaml:8 (backup.image) hub.example/backup:3 true',
    ],
  )
})

test('a library has nothing to render', async () => {
  const library = 'apiVersion: v2\nname: cache\nversion: 0.1.0\ntype: library\n'
  const { images, problems } = await render('exit 1', {}, { 'chart/cache/Chart.yaml': library })
  assert.equal([...images, ...problems], [])
})

test('helm sees nothing of this machine’s settings', async () => {
  const { doubts } = await render('echo "image: \\"$HELM_PLUGINS$KUBECONFIG.x\\""')
  assert.match(said(doubts).join('\n'), /"image: \.x" may be an image, or not/)
})

test.run()
