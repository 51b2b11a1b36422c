import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { builtinPlugins } from './builtin-plugins.ts'
import { builtinManifests, capabilitiesOf, loadPlugins } from './plugins.ts'

const test = suite('plugins of the command')
const home = mkdtempSync(join(tmpdir(), 'sealer-plugins-'))
test.before(() => {
  const place = join(home, 'site/node_modules/runtime-beacon')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(home, 'site/package.json'), JSON.stringify({ dependencies: { 'runtime-beacon': '1.0.0' } }))
  const sealer = { api: '^1', kind: 'runtime', provides: ['beacon'] }
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ name: 'runtime-beacon', version: '1.0.0', type: 'module', exports: './index.js', sealer }),
  )
  writeFileSync(
    join(place, 'index.js'),
    "export default (options) => ({ name: 'runtime-beacon', options, apply() {} })",
  )
})
test.after(() => rmSync(home, { recursive: true }))

const namesLoaded = async (needs: Parameters<typeof loadPlugins>[1]) =>
  (await loadPlugins(home, needs)).slice(builtinPlugins.length).map((plugin) => plugin.name)

test('each plugin that comes with the command has a manifest', async () => {
  const manifests = await builtinManifests()
  assert.equal(
    manifests.map(({ name }) => name),
    builtinPlugins.map((plugin) => plugin.package),
  )
})

test('one of the site is loaded when it is named, or the runtime that it provides', async () => {
  assert.equal(await namesLoaded({ plugins: ['runtime-beacon'] }), ['runtime-beacon'])
  assert.equal(await namesLoaded({ wish: { runtime: 'beacon' } }), ['runtime-beacon'])
  assert.equal(await namesLoaded({ wish: { plugins: [{ name: 'runtime-beacon', options: { port: 1 } }] } }), [
    'runtime-beacon',
  ])
})

test('and not otherwise: an image never causes code to be loaded', async () => {
  assert.equal(await namesLoaded({ wish: { image: 'beacon:v1' } }), [])
})

test('which infrastructure makes hosts is known without loading it', async () => {
  assert.equal(await capabilitiesOf(home, 'local'), ['makes-hosts'])
  assert.equal(await capabilitiesOf(home, 'baremetal'), [])
})

test.run()
