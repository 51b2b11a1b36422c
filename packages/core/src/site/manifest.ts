import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { errors } from '../errors.ts'

/** A kind of document that a plugin claims in a Clusterfile. `apiVersion` may end in `/*`: every version of that group. */
export interface DocumentClaim {
  readonly apiVersion: string
  readonly kind: string
  /** JSON Schema of the document, if the plugin brings one. */
  readonly schema?: Readonly<Record<string, unknown>>
}

/** What a plugin's package says of itself under `sealer` in its package.json: readable without loading any of its code. */
export interface PluginManifest {
  /** Name of the package. */
  readonly name: string
  readonly version: string
  readonly description: string
  /** Folder of the package. */
  readonly folder: string
  /** Versions of the plugin API that it works with, a semver range. */
  readonly api: string
  readonly kind: 'runtime' | 'infra' | 'hooks'
  /** Names of the runtime or infrastructure, e.g. `k0s`; the first is the one to show. */
  readonly provides: readonly string[]
  /** Name of the exported factory where it is neither the default export nor called as what it provides. */
  readonly factory: string | undefined
  /** `makes-hosts`: an infrastructure that is told how many hosts, not which. */
  readonly capabilities: readonly string[]
  readonly commands: readonly string[]
  readonly documents: readonly DocumentClaim[]
}

const claim = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  schema: z.record(z.string(), z.unknown()).optional(),
})
const packageJson = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string().default(''),
  sealer: z
    .strictObject({
      api: z.string(),
      kind: z.enum(['runtime', 'infra', 'hooks']),
      provides: z.union([z.string().transform((name) => [name]), z.array(z.string())]).default([]),
      factory: z.string().optional(),
      capabilities: z.array(z.string()).default([]),
      commands: z.array(z.string()).default([]),
      documents: z.array(claim).default([]),
    })
    .optional(),
})

/** The manifest of the package in a folder; undefined for a package that is no plugin. @throws PLUGIN_INVALID */
export async function readManifest(folder: string): Promise<PluginManifest | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw errors.PLUGIN_INVALID({ plugin: folder, reason: 'its package.json is no JSON' }, { cause })
  }
  const result = packageJson.safeParse(parsed)
  if (!result.success) {
    const [issue] = result.error.issues
    throw errors.PLUGIN_INVALID({ plugin: folder, reason: `package.json, ${issue?.path.join('.')}: ${issue?.message}` })
  }
  const { name, version, description, sealer } = result.data
  if (sealer === undefined) return undefined
  const { api, kind, provides, factory, capabilities, commands } = sealer
  const documents = sealer.documents.map(({ schema, ...names }) =>
    schema === undefined ? names : { ...names, schema },
  )
  return { name, version, description, folder, api, kind, provides, factory, capabilities, commands, documents }
}
