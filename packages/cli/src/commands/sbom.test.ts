import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sealer } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCli } from '../cli.ts'
import { fakeContext } from '../fakes.test.support.ts'

const test = suite('sbom')
const folder = mkdtempSync(join(tmpdir(), 'sealer-sbom-'))
test.after(() => rmSync(folder, { recursive: true }))

const components = [
  {
    name: 'kubelet',
    version: 'v1.34.4',
    purl: 'pkg:generic/kubelet@v1.34.4',
    licenses: [{ expression: 'Apache-2.0' }],
    properties: [{ name: 'io.sealer:platform', value: 'linux/amd64' }],
  },
]
const document = `${JSON.stringify({ bomFormat: 'CycloneDX', components })}\n`
const sealer = {
  images: {
    sbom: async (_: string, { attach }: { attach: boolean }) => ({
      document,
      components: 1,
      ...(attach && { attached: 'sha256:1' }),
    }),
  },
} as unknown as Partial<Sealer>

test('people see a table, programs the document, and a file gets the same bytes', async () => {
  const text = fakeContext(sealer)
  assert.is(await runCli(['sbom', 'app:v1', '--attach'], text), 0)
  assert.match(text.out(), /kubelet +v1\.34\.4 +generic +Apache-2\.0 +linux\/amd64/)
  assert.match(text.out(), 'Attached sha256:1.')

  const json = fakeContext(sealer)
  assert.is(await runCli(['sbom', 'app:v1', '--output', 'json'], json), 0)
  assert.is(json.out(), document)

  const file = join(folder, 'app.cdx.json')
  assert.is(await runCli(['sbom', 'app:v1', '-o', file], fakeContext(sealer)), 0)
  assert.is(readFileSync(file, 'utf8'), document)
  assert.is(await runCli(['sbom', 'app:v1', '-o', join(folder, 'none/app.json')], fakeContext(sealer)), 2)
})

test.run()
