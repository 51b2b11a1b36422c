import { resolve } from 'node:path'
import { installedPlugins, installPlugin, type PluginManifest, removePlugin } from '@sealer/core'
import type { PluginInstallFlags } from '../commands/plugin.ts'
import { type CliContext, print } from '../context.ts'
import { builtinManifests } from '../plugins.ts'
import { table } from '../table.ts'

/** Manifests alone: no plugin's code is loaded. */
export async function list(context: CliContext): Promise<void> {
  const from = (manifests: readonly PluginManifest[], source: string) =>
    manifests.map((manifest) => ({ ...manifest, source }))
  const all = [...from(await builtinManifests(), 'built in'), ...from(await installedPlugins(context.home), 'site')]
  print(context, all, (rows) =>
    table(
      ['PLUGIN', 'VERSION', 'KIND', 'PROVIDES', 'API', 'SOURCE'],
      rows.map(({ name, version, kind, provides, api, source }) => [
        name,
        version,
        kind,
        provides.join(','),
        api,
        source,
      ]),
    ),
  )
}

/** Installs into the site; a path is looked up from the current folder. */
export async function install(context: CliContext, what: string, { offline }: PluginInstallFlags): Promise<void> {
  const spec = /^\.{0,2}\//.test(what) || /\.(tgz|tar\.gz)$/.test(what) ? resolve(what) : what
  const manifest = await installPlugin(context.home, spec, { offline, signal: context.signal })
  print(
    context,
    manifest,
    ({ name, version, kind, provides }) => `Installed ${name} ${version}, ${kind} ${provides.join(', ')}.`,
  )
}

/** Removes from the site. */
export async function remove(context: CliContext, name: string): Promise<void> {
  await removePlugin(context.home, name, context.signal)
  print(context, { removed: name }, () => `Removed ${name}.`)
}
