import type { Plugin } from '../plugin.ts'

/** Finds the container images of what kustomize renders. */
export function readKustomizations(): Plugin {
  return {
    name: 'read-kustomizations',
    apply({ hooks }) {
      hooks.build.readers.tapPromise({ name: 'read-kustomizations', stage: 100 }, async (readers) => {
        const { kustomizeReader } = await import('../manifests/kustomize-reader.ts')
        return [...readers, kustomizeReader()]
      })
    },
  }
}
