import type { Plugin } from '../plugin.ts'

/** Knows where the custom resources of well-known operators name images. */
export function operatorImages(): Plugin {
  return {
    name: 'operator-images',
    apply({ hooks }) {
      hooks.build.rules.tapPromise({ name: 'operator-images', stage: 100 }, async (rules) => {
        const { operatorRules } = await import('./image-rules/index.ts')
        return [...rules, ...operatorRules]
      })
    },
  }
}
