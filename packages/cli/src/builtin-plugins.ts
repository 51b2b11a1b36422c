import type { Plugin } from '@sealer/core'

/** A plugin that comes with the command. */
export interface BuiltinPlugin {
  readonly package: string
  readonly load: (home: string) => Promise<Plugin>
}

/** The plugins that come with the command; others are installed into the site. Their manifests are read from their packages. */
export const builtinPlugins: readonly BuiltinPlugin[] = [
  { package: '@sealer/runtime-k8s', load: async () => (await import('@sealer/runtime-k8s')).kubernetes() },
  { package: '@sealer/infra-baremetal', load: async () => (await import('@sealer/infra-baremetal')).baremetal() },
  { package: '@sealer/infra-local', load: async (home) => (await import('@sealer/infra-local')).local({ home }) },
]
