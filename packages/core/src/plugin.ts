import type { SealerHooks } from './hooks.ts'

/** The part of sealer that a plugin sees. Hooks can be tapped; only core calls them. */
export interface PluginHost {
  readonly hooks: SealerHooks
}

/** What a plugin package's factory returns: `baremetal(options)`. */
export interface Plugin {
  /** The package's name without the scope, e.g. `infra-baremetal`; its taps carry it. */
  readonly name: string
  apply(sealer: PluginHost): void
}

/** Version of the contract between core and plugins (semver). A plugin's manifest says in `api` which range it works with. */
export const pluginApi = '1.0.0'
