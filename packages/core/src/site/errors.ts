import { defineErrors } from '../errors.ts'

/** Errors of installing and loading plugins. */
export const siteErrors = defineErrors('core', {
  PLUGIN_NOT_INSTALLED: {
    message: (d: { plugin: string; installed: string }) =>
      `The plugin ${d.plugin} is not installed. Installed here: ${d.installed === '' ? 'none' : d.installed}.`,
    hint: (d) => `Install it with: sealer plugin install ${d.plugin}  (or the path of its tarball)`,
  },
  PLUGIN_API_MISMATCH: {
    message: (d: { plugin: string; wants: string; offered: string }) =>
      `The plugin ${d.plugin} wants plugin API ${d.wants}, and this sealer offers ${d.offered}.`,
    hint: (d) => `Install a version of ${d.plugin} made for plugin API ${d.offered}, or another sealer.`,
  },
  PLUGIN_INSTALL_FAILED: {
    message: (d: { what: string; reason: string }) => `npm could not install ${d.what}: ${d.reason}`,
    hint: () =>
      'A tarball needs no network when its dependencies are inside: sealer plugin install ./plugin-1.0.0.tgz --offline',
  },
})
