import type { Plugin } from '../plugin.ts'

/** Finds the container images of charts: of apps, below `charts/`, and those that other apps bring along. */
export function readCharts(): Plugin {
  return {
    name: 'read-charts',
    apply({ hooks }) {
      hooks.build.readers.tapPromise({ name: 'read-charts', stage: 100 }, async (readers) => {
        const { chartReader } = await import('../manifests/chart-reader.ts')
        return [...readers, chartReader()]
      })
    },
  }
}
