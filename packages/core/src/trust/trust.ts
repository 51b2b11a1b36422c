import type { Trust } from '../sealer.ts'
import type { Secrets } from '../secrets.ts'
import { trustedKeysOf } from './gate.ts'

/** The trusted keys of a home. What reads keys is loaded when it is needed. */
export function createTrust(home: string, secrets: Secrets): Trust {
  const keys = trustedKeysOf(home)
  return {
    list: async () => {
      const { ruleOf } = await import('./signing.ts')
      return (await keys.list()).map(ruleOf)
    },
    add: async (where, options = {}) => {
      const { ruleOf, trustedKey } = await import('./signing.ts')
      const key = await trustedKey(where, options, secrets)
      await keys.add(key)
      return ruleOf(key)
    },
    remove: (id, pattern) => keys.remove(id, pattern),
  }
}
