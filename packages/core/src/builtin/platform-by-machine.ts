import type { Plugin } from '../plugin.ts'

/** Gives every host the platform that its kernel names (`uname -m`). */
export function platformByMachine(): Plugin {
  return {
    name: 'platform-by-machine',
    apply({ hooks }) {
      hooks.choose.platform.tapPromise({ name: 'platform-by-machine', stage: 100 }, async ({ platform }, available) => {
        const fitting = available.filter((one) => one.os === platform.os && one.architecture === platform.architecture)
        return fitting.find((one) => one.variant === platform.variant) ?? fitting[0]
      })
    },
  }
}
