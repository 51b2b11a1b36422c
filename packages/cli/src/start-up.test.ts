import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('start-up')
const folder = mkdtempSync(join(tmpdir(), 'sealer-start-'))
test.after(() => rmSync(folder, { recursive: true }))

/** Writes down what the loader is asked for; CommonJS packages stand there with the file that is imported first. */
const hooks = `
import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(join(folder, 'loaded'))}, url + '\\n')
  return next(url, context)
}`

test('help loads commander and nothing else', () => {
  writeFileSync(join(folder, 'hooks.mjs'), hooks)
  writeFileSync(
    join(folder, 'register.mjs'),
    `import { register } from 'node:module'\nregister(${JSON.stringify(pathToFileURL(join(folder, 'hooks.mjs')).href)})`,
  )
  const main = join(import.meta.dirname, 'main.ts')
  const imports = ['--import', 'tsx', '--import', pathToFileURL(join(folder, 'register.mjs')).href]
  execFileSync(process.execPath, [...imports, '--conditions=@sealer/source', main, 'run', '--help'], { stdio: 'pipe' })
  const loaded = readFileSync(join(folder, 'loaded'), 'utf8').split('\n')
  const packages = loaded.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  assert.equal(
    [...new Set(packages)].filter((name) => name !== 'tsx' && name !== 'esbuild'),
    ['commander'],
  )
  const ours = loaded.filter((url) => /\/packages\/(?!cli\/)/.test(url))
  assert.equal(ours, [])
  assert.equal(
    loaded.filter((url) => url.includes('/cli/src/actions/')),
    [],
  )
})

test.run()
