import type { Plugin } from '@sealer/core'

/** Supplies the hosts that a Clusterfile or the command line names, for clusters that want infra `baremetal`. */
export function baremetal(): Plugin {
  return {
    name: 'infra-baremetal',
    apply({ hooks }) {
      hooks.choose.infra.tapPromise('infra-baremetal', async (wanted) => {
        if (wanted.infra !== 'baremetal') return undefined
        const { BaremetalInfra } = await import('./infra.ts')
        return new BaremetalInfra()
      })
    },
  }
}
