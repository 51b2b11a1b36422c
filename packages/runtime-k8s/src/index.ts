import type { Plugin } from '@sealer/core'

/** Nothing to choose yet: what a cluster is like stands in the documents of its Clusterfile. */
export type KubernetesOptions = Readonly<Record<string, never>>

/** Makes clusters with kubeadm; for the runtimes `kubernetes` and `k8s`. */
export function kubernetes(_options: KubernetesOptions = {}): Plugin {
  return {
    name: 'runtime-k8s',
    apply({ hooks }) {
      hooks.choose.runtime.tapPromise('runtime-k8s', async (wanted, scope) => {
        if (wanted.runtime !== 'kubernetes' && wanted.runtime !== 'k8s') return undefined
        const { K8sRuntime, k8sSettings } = await import('./runtime.ts') // loaded only when an image asks for it
        const swapAllowed = wanted.documents.some(
          ({ kind, value }) => kind === 'KubeletConfiguration' && value.failSwapOn === false,
        )
        scope.provide(k8sSettings, { needsSwapOff: !swapAllowed })
        return scope.make(K8sRuntime)
      })
    },
  }
}
