import type { Plugin } from '../plugin.ts'

/** Finds the container images of manifests: YAML and JSON of Kubernetes. */
export function readManifests(): Plugin {
  return {
    name: 'read-manifests',
    apply({ hooks }) {
      hooks.build.readers.tapPromise({ name: 'read-manifests', stage: 100 }, async (readers) => {
        const { manifestReader } = await import('../manifests/manifest-reader.ts')
        return [...readers, manifestReader()]
      })
    },
  }
}
