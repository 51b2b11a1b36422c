import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import {
  type DocumentClaim,
  installedPlugins,
  loadPlugin,
  type Plugin,
  type PluginManifest,
  readManifest,
  type Wish,
} from '@sealer/core'
import { builtinPlugins } from './builtin-plugins.ts'

const require = createRequire(import.meta.url)

/** Manifests of the plugins that come with the command. Loads none of their code. */
export async function builtinManifests(): Promise<readonly PluginManifest[]> {
  const manifests = await Promise.all(
    builtinPlugins.map((plugin) => readManifest(dirname(require.resolve(`${plugin.package}/package.json`)))),
  )
  return manifests.filter((manifest) => manifest !== undefined)
}

/** Manifests of all plugins there are: those of the command, then those of the site. */
export async function allManifests(home: string): Promise<readonly PluginManifest[]> {
  return [...(await builtinManifests()), ...(await installedPlugins(home))]
}

/** What the infrastructure of this name can do, as its manifest says; nothing where no plugin offers it. */
export async function capabilitiesOf(home: string, infra: string): Promise<readonly string[]> {
  const manifests = await allManifests(home)
  return manifests.find(({ kind, provides }) => kind === 'infra' && provides.includes(infra))?.capabilities ?? []
}

/** Document kinds that plugins claim. */
export async function claimsOf(home: string): Promise<readonly DocumentClaim[]> {
  return (await allManifests(home)).flatMap((manifest) => manifest.documents)
}

/** What has to be loaded from the site. */
export interface PluginNeeds {
  readonly wish?: Wish
  /** Package names. */
  readonly plugins?: readonly string[]
  readonly runtime?: string
  readonly infra?: string
}

/**
 * The plugins of the command, and of the site those that the operator has named: by package, or by the runtime or infrastructure they
 * provide. An image alone never causes code to be loaded.
 */
export async function loadPlugins(home: string, needs: PluginNeeds): Promise<readonly Plugin[]> {
  const named = new Map((needs.plugins ?? []).map((name): [string, object] => [name, {}]))
  for (const { name, options } of needs.wish?.plugins ?? []) named.set(name, options ?? {})
  const wanted = {
    runtime: needs.runtime ?? needs.wish?.runtime,
    infra: needs.infra ?? needs.wish?.infra,
    hooks: undefined,
  }
  for (const { name, kind, provides } of await installedPlugins(home)) {
    if (provides.includes(wanted[kind] ?? '') && !named.has(name)) named.set(name, {})
  }
  const ofSite = [...named].map(([name, options]) => loadPlugin(home, name, { ...options }))
  return await Promise.all([...builtinPlugins.map((plugin) => plugin.load(home)), ...ofSite])
}
