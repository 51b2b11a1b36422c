import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createHooks } from '../hooks.ts'
import { rejection } from '../testing/rejection.ts'
import { loadPlugin } from './load-plugin.ts'
import { installedPlugins, installPlugin, removePlugin, siteFolder } from './site.ts'

const test = suite('plugins of a site')
const folder = mkdtempSync(join(tmpdir(), 'sealer-site-'))
const { signal } = new AbortController()
test.after(() => rmSync(folder, { recursive: true }))

const code = `
import { defineErrors, pluginApi, SealerError } from '@sealer/core'
export const core = pluginApi
export const thrown = () => defineErrors('beacon', { DARK: { message: () => 'dark', hint: () => 'light it' } }).DARK()
export const isOurs = (error) => SealerError.is(error)
export default (options) => ({ name: 'runtime-beacon', options, apply({ hooks }) { hooks.choose.runtime.tapPromise('runtime-beacon', async () => undefined) } })
`

/** Packs a package as a vendor would. */
function packed(name: string, sealer: object | undefined): string {
  const source = join(folder, `source-${name}`)
  mkdirSync(source)
  writeFileSync(join(source, 'index.js'), code)
  const peerDependencies = { '@sealer/core': '^0.1.0' }
  writeFileSync(
    join(source, 'package.json'),
    JSON.stringify({ name, version: '1.2.3', type: 'module', exports: './index.js', sealer, peerDependencies }),
  )
  execFileSync('npm', ['pack', '--pack-destination', folder, '--silent', '--ignore-scripts'], {
    cwd: source,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(folder, `${name}-1.2.3.tgz`)
}

const beacon = { api: '^1', kind: 'runtime', provides: ['beacon'] }

test('a tarball is installed without network, listed, loaded with the running core, and removed', async () => {
  const home = join(folder, 'home')
  const { name, version, provides } = await installPlugin(home, packed('runtime-beacon', beacon), {
    offline: true,
    signal,
  })
  assert.equal([name, version, provides], ['runtime-beacon', '1.2.3', ['beacon']])
  assert.equal(
    (await installedPlugins(home)).map((plugin) => plugin.name),
    ['runtime-beacon'],
  )

  const plugin = await loadPlugin(home, 'runtime-beacon', { port: 1 })
  plugin.apply({ hooks: createHooks() })
  assert.is(plugin.name, 'runtime-beacon')
  assert.equal((plugin as unknown as { options: object }).options, { port: 1 })

  await removePlugin(home, 'runtime-beacon', signal)
  assert.equal(await installedPlugins(home), [])
})

test('a package that is no plugin is not kept', async () => {
  const home = join(folder, 'stranger')
  const error = await rejection(installPlugin(home, packed('stranger', undefined), { offline: true, signal }))
  assert.match(error.message, 'no sealer plugin')
  assert.equal(await installedPlugins(home), [])
})

/** A site as npm leaves it, without npm. */
function site(name: string, sealer: object, content = code): string {
  const home = join(folder, `home-of-${name}`)
  const place = join(siteFolder(home), 'node_modules', name)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(siteFolder(home), 'package.json'), JSON.stringify({ dependencies: { [name]: '1.2.3' } }))
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ name, version: '1.2.3', type: 'module', exports: './index.js', sealer }),
  )
  writeFileSync(join(place, 'index.js'), content)
  return home
}

test('another plugin API is refused in one line, before any code is loaded', async () => {
  const home = site('runtime-old', { ...beacon, api: '^2' }, 'throw new Error("loaded")')
  const error = await rejection(loadPlugin(home, 'runtime-old'))
  assert.is(error.message, 'The plugin runtime-old wants plugin API ^2, and this sealer offers 1.0.0.')
})

test('one that is not installed is told with those that are', async () => {
  const error = await rejection(loadPlugin(site('runtime-there', beacon), 'runtime-gone'))
  assert.match(error.message, 'Installed here: runtime-there')
})

test('one that cannot be loaded is told by name, with the reason', async () => {
  const error = await rejection(
    loadPlugin(site('runtime-broken', beacon, 'throw new Error("no luck")'), 'runtime-broken'),
  )
  assert.match(error.message, /runtime-broken cannot be used: it cannot be loaded: no luck/)
})

test('a manifest that is wrong is told with its field', async () => {
  const error = await rejection(installedPlugins(site('runtime-odd', { ...beacon, kind: 'magic' })))
  assert.match(error.message, 'sealer.kind')
})

test('a plugin that brings a core of its own does no harm', async () => {
  const home = site('runtime-own-core', beacon)
  const core = join(siteFolder(home), 'node_modules/runtime-own-core/node_modules/@sealer/core')
  mkdirSync(core, { recursive: true })
  writeFileSync(
    join(core, 'package.json'),
    JSON.stringify({ name: '@sealer/core', version: '0.9.0', type: 'module', exports: './index.js' }),
  )
  writeFileSync(
    join(core, 'index.js'),
    `export const pluginApi = '1.9.0'
     export class SealerError extends Error { name = 'SealerError'; static is(e) { return e?.name === 'SealerError' } }
     export const defineErrors = () => ({ DARK: () => Object.assign(new SealerError('dark'), { code: 'DARK', hint: 'light it' }) })`,
  )
  const plugin = await loadPlugin(home, 'runtime-own-core')
  plugin.apply({ hooks: createHooks() })
  const { createRequire } = await import('node:module')
  const { thrown } = createRequire(join(siteFolder(home), 'package.json'))('runtime-own-core') as {
    thrown: () => unknown
  }
  const { SealerError } = await import('../errors.ts')
  assert.ok(SealerError.is(thrown()))
})

test.run()
