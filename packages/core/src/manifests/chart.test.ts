import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import { temporaryFolder } from '../image/small-images.test.support.ts'
import { draftOf, everyKindOfFile, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { imagesInChart } from './chart.ts'
import { imageFiles } from './image-files.ts'
import type { ReadImages } from './image-reader.ts'

const test = suite('chart')

/** Runs a script in the place of helm: `$2` is the release, `$3` the chart. */
async function render(script: string): Promise<ReadImages> {
  await using context = await temporaryContext(everyKindOfFile)
  await using folder = await temporaryFolder()
  const helm = join(folder.path, 'helm')
  await writeFile(helm, `#!/bin/sh\n${script}\n`)
  await chmod(helm, 0o755)
  const { layers } = await draftOf(context, 'APP cache local://chart/cache')
  const chart = {
    path: 'application/apps/cache',
    release: 'cache',
    entries: imageFiles(layers[0]?.entries ?? []).files,
  }
  return await imagesInChart(chart, { helm, kubernetes: 'v1.34.4', notes: new CacheNotes(join(folder.path, 'notes')) })
}

test('what is rendered names the images, each with its template', async () => {
  const { images } = await render(`
test "$1 $2 $4 $5" = "template cache --kube-version v1.34.4" || exit 1
printf -- '---\\n# Source: cache/templates/deploy.yaml\\n'
sed "s|{{ .Values.image }}|$(sed 's/image: //' $3/values.yaml)|" $3/templates/deploy.yaml`)
  assert.equal(images, [{ reference: 'hub.example/cache:1.0', place: 'application/apps/cache/templates/deploy.yaml' }])
})

test('the same chart is rendered once', async () => {
  await using context = await temporaryContext(everyKindOfFile)
  await using folder = await temporaryFolder()
  const helm = join(folder.path, 'helm')
  const count = join(folder.path, 'count')
  await writeFile(helm, `#!/bin/sh\necho x >> ${count}\necho 'image: a/b:1'\n`)
  await chmod(helm, 0o755)
  const tool = { helm, notes: new CacheNotes(join(folder.path, 'notes')) }
  const rendered = async () => {
    const { layers } = await draftOf(context, 'APP cache local://chart/cache')
    return imagesInChart(
      { path: 'application/apps/cache', release: 'cache', entries: imageFiles(layers[0]?.entries ?? []).files },
      tool,
    )
  }
  assert.equal(await rendered(), await rendered())
  assert.is(await readFile(count, 'utf8'), 'x\n')
  await context.write('chart/cache/values.yaml', 'image: other\n')
  await rendered()
  assert.is(await readFile(count, 'utf8'), 'x\nx\n')
})

test('a chart that does not render is refused with what helm says', async () => {
  const error = await rejection<SealerError>(render('echo "Error: $3/values.yaml: nil pointer" >&2; exit 1'))
  assert.is(error.code, 'CHART_INVALID')
  assert.match(error.message, /Error: application\/apps\/cache\/values\.yaml: nil pointer/)
})

test('what it renders into must be YAML', async () => {
  const error = await rejection<SealerError>(render('echo "a: ["'))
  assert.match(error.message, /line \d of what it renders into/)
})

test('helm sees nothing of this machine’s settings', async () => {
  const { doubts } = await render('echo "image: \\"$HELM_PLUGINS$KUBECONFIG.x\\""')
  assert.equal(
    doubts.map(({ reason }) => reason),
    ['"image: .x" may be an image, or not'],
  )
})

test.run()
