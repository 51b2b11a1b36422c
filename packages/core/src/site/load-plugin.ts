import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isSea } from 'node:sea'
import { pathToFileURL } from 'node:url'
import { satisfies, validRange } from 'semver'
import { errors } from '../errors.ts'
import { type Plugin, pluginApi } from '../plugin.ts'
import { siteErrors } from './errors.ts'
import { linkCore } from './link-core.ts'
import type { PluginManifest } from './manifest.ts'
import { installedPlugins, siteFolder } from './site.ts'

/**
 * Loads a plugin that the operator has installed and makes it with its options.
 * @throws PLUGIN_NOT_INSTALLED, PLUGIN_API_MISMATCH, PLUGIN_INVALID
 */
export async function loadPlugin(
  home: string,
  name: string,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Plugin> {
  const installed = await installedPlugins(home)
  const manifest = installed.find((plugin) => plugin.name === name)
  if (manifest === undefined) {
    throw siteErrors.PLUGIN_NOT_INSTALLED({
      plugin: name,
      installed: installed.map((plugin) => plugin.name).join(', '),
    })
  }
  checkApi(manifest)
  await linkCore(siteFolder(home))
  return made(manifest, await exportsOf(siteFolder(home), manifest), options)
}

/** @throws PLUGIN_API_MISMATCH, PLUGIN_INVALID */
export function checkApi({ name, api }: PluginManifest): void {
  if (validRange(api) === null)
    throw errors.PLUGIN_INVALID({
      plugin: name,
      reason: `"${api}" is no range of versions (sealer.api in its package.json)`,
    })
  if (!satisfies(pluginApi, api)) throw siteErrors.PLUGIN_API_MISMATCH({ plugin: name, wants: api, offered: pluginApi })
}

/** A file is imported; inside the single executable, where that is not possible, it is required. */
async function exportsOf(site: string, { name }: PluginManifest): Promise<Readonly<Record<string, unknown>>> {
  const require = createRequire(join(site, 'package.json'))
  try {
    const file = require.resolve(name)
    return isSea() ? require(file) : await import(pathToFileURL(file).href)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw errors.PLUGIN_INVALID({ plugin: name, reason: `it cannot be loaded: ${reason}` }, { cause })
  }
}

/** The factory is what the manifest names, else the default export, else the export called as what it provides. */
function made(manifest: PluginManifest, exported: Readonly<Record<string, unknown>>, options: object): Plugin {
  const { name, factory, provides } = manifest
  const names = factory === undefined ? ['default', ...provides] : [factory]
  const make = names
    .map((one) => exported[one])
    .find((one): one is (options: object) => unknown => typeof one === 'function')
  if (make === undefined) {
    throw errors.PLUGIN_INVALID({
      plugin: name,
      reason: `it exports no factory${factory === undefined ? '' : ` "${factory}"`}; name it under sealer.factory in its package.json`,
    })
  }
  const plugin = make(options)
  if (!isPlugin(plugin)) throw errors.PLUGIN_INVALID({ plugin: name, reason: 'its factory gives no { name, apply }' })
  return plugin
}

const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'apply' in value &&
  typeof value.apply === 'function'
