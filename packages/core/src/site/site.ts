import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { siteErrors } from './errors.ts'
import { linkCore } from './link-core.ts'
import { type PluginManifest, readManifest } from './manifest.ts'
import { npm } from './npm.ts'

/** Folder of installed plugins: a package.json and its node_modules. */
export const siteFolder = (home: string): string => join(home, 'site')

/** Plugins that the operator has installed, by name: the dependencies of the site's package.json that carry a manifest. Loads no code. */
export async function installedPlugins(home: string): Promise<readonly PluginManifest[]> {
  const found: PluginManifest[] = []
  for (const name of (await dependencies(home)).toSorted()) {
    const manifest = await readManifest(join(siteFolder(home), 'node_modules', name)).catch(missing)
    if (manifest !== undefined) found.push(manifest)
  }
  return found
}

/**
 * Installs a package by name or tarball, runs none of its scripts, and gives its manifest.
 * @throws PLUGIN_INSTALL_FAILED, PLUGIN_INVALID
 */
export async function installPlugin(
  home: string,
  what: string,
  { offline = false, signal }: { readonly offline?: boolean; readonly signal: AbortSignal },
): Promise<PluginManifest> {
  const before = new Map((await installedPlugins(home)).map((plugin) => [plugin.name, plugin]))
  const namesBefore = new Set(await dependencies(home))
  await makeSite(home)
  await npm(siteFolder(home), ['install', ...(offline ? ['--offline'] : []), '--save-exact', '--', what], signal)
  await linkCore(siteFolder(home))
  const installed = await installedPlugins(home)
  const added = installed.find((plugin) => isNew(plugin, before.get(plugin.name)))
  const named = installed.find((plugin) => what === plugin.name || what.startsWith(`${plugin.name}@`))
  const manifest = added ?? named ?? (await sourceOf(home, what, installed))
  if (manifest !== undefined) return manifest
  const strangers = (await dependencies(home)).filter((name) => !namesBefore.has(name))
  if (strangers.length > 0) await npm(siteFolder(home), ['uninstall', '--', ...strangers], signal)
  throw siteErrors.PLUGIN_INSTALL_FAILED({
    what,
    reason: 'the package is no sealer plugin (no "sealer" in its package.json)',
  })
}

/** @throws PLUGIN_NOT_INSTALLED */
export async function removePlugin(home: string, name: string, signal: AbortSignal): Promise<void> {
  const installed = (await installedPlugins(home)).map((plugin) => plugin.name)
  if (!installed.includes(name))
    throw siteErrors.PLUGIN_NOT_INSTALLED({ plugin: name, installed: installed.join(', ') })
  await npm(siteFolder(home), ['uninstall', '--', name], signal)
  await linkCore(siteFolder(home))
}

const isNew = (plugin: PluginManifest, before: PluginManifest | undefined): boolean =>
  before === undefined || before.version !== plugin.version

/** The same version once more: the site's package.json tells where each dependency came from. */
async function sourceOf(
  home: string,
  what: string,
  installed: readonly PluginManifest[],
): Promise<PluginManifest | undefined> {
  const sources = (await sitePackage(home)).dependencies ?? {}
  const file = what.split('/').at(-1) ?? what
  return installed.find((plugin) => sources[plugin.name]?.endsWith(file) === true)
}

interface SitePackage {
  readonly dependencies?: Readonly<Record<string, string>>
}

async function sitePackage(home: string): Promise<SitePackage> {
  const text = await readFile(join(siteFolder(home), 'package.json'), 'utf8').catch(missing)
  return text === undefined ? {} : (JSON.parse(text) as SitePackage)
}

const dependencies = async (home: string): Promise<string[]> =>
  Object.keys((await sitePackage(home)).dependencies ?? {})

async function makeSite(home: string): Promise<void> {
  await mkdir(siteFolder(home), { recursive: true })
  const content = `${JSON.stringify({ name: 'sealer-site', private: true, description: 'Plugins of sealer' }, undefined, 2)}\n`
  await writeFile(join(siteFolder(home), 'package.json'), content, { flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
