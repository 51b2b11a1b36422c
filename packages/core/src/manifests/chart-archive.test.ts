import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryFolder } from '../image/small-images.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { ChartProblem, isPackedChart, unpackChart } from './chart-archive.ts'

const test = suite('packed chart')

type Entry = readonly [header: Partial<Header> & { readonly name: string }, content?: string]

async function withArchive<T>(
  entries: readonly Entry[],
  work: (archive: string, folder: string) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder()
  const archive = join(folder.path, 'chart.tgz')
  const tar = pack()
  for (const [header, content] of entries) tar.entry(header, content ?? '')
  tar.finalize()
  await pipeline(tar, createGzip(), createWriteStream(archive))
  return await work(archive, join(folder.path, 'out'))
}

const chartYaml: Entry = [{ name: 'cache/Chart.yaml' }, 'name: cache\n']

test('its files come out without the folder of the chart', async () => {
  const text = await withArchive(
    [chartYaml, [{ name: 'cache/templates/a.yaml' }, 'a: 1\n']],
    async (archive, folder) => {
      assert.ok(await isPackedChart(archive))
      await unpackChart(archive, folder)
      return (
        (await readFile(join(folder, 'Chart.yaml'), 'utf8')) +
        (await readFile(join(folder, 'templates/a.yaml'), 'utf8'))
      )
    },
  )
  assert.is(text, 'name: cache\na: 1\n')
})

const hostile: Record<string, readonly [entries: readonly Entry[], says: RegExp]> = {
  'a path that leads out': [[chartYaml, [{ name: 'cache/../../x' }, 'x']], /leads out of it/],
  'an absolute path': [[[{ name: '/etc/passwd' }, 'x']], /leads out of it/],
  'a path of Windows': [[[{ name: 'cache/..\\..\\x' }, 'x']], /backslashes/],
  'a symbolic link': [[[{ name: 'cache/values.yaml', type: 'symlink', linkname: 'Chart.yaml' }]], /it has a link/],
  'a link that leads out': [[[{ name: 'cache/x', type: 'symlink', linkname: '../../../etc/shadow' }]], /leads out/],
  'a file beside the folder': [[[{ name: 'Chart.yaml' }, 'name: x']], /does not stand in the folder of the chart/],
  'a file that is a folder, too': [
    [
      [{ name: 'cache/a' }, 'x'],
      [{ name: 'cache/a/b' }, 'x'],
    ],
    /ENOTDIR|EEXIST/,
  ],
  'a file that is too large': [[[{ name: 'cache/a' }, 'x'.repeat(6 * 1024 ** 2)]], /at most 5242880 make sense/],
  'what grows without end': [
    Array.from({ length: 30 }, (_, index): Entry => [{ name: `cache/${index}` }, '\0'.repeat(4 * 1024 ** 2)]),
    /more than 100 MiB/,
  ],
}
for (const [what, [entries, says]] of Object.entries(hostile)) {
  test(`${what} is refused`, async () => {
    const error = await withArchive(entries, (archive, folder) => rejection<Error>(unpackChart(archive, folder)))
    assert.instance(error, ChartProblem)
    assert.match(error.message, says)
  })
}

test('bytes that are no archive are none', async () => {
  await using folder = await temporaryFolder()
  const archive = join(folder.path, 'x.tgz')
  await writeFile(archive, 'no gzip')
  assert.instance(await rejection<Error>(unpackChart(archive, join(folder.path, 'out'))), ChartProblem)
  assert.not.ok(await isPackedChart(archive))
})

test.run()
