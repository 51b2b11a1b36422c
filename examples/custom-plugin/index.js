/**
 * Runs cluster images labelled `cluster.alpha.sealer.io/cluster-runtime-type=beacon`.
 * @param {{ port?: number }} options TCP port of the beacons, 8088 when nothing is said
 * @returns {import('@sealer/core').Plugin}
 */
export function beacon({ port = 8088 } = {}) {
  return {
    name: 'runtime-beacon',
    apply({ hooks }) {
      hooks.choose.runtime.tapPromise('runtime-beacon', async (wanted, scope) => {
        if (wanted.runtime !== 'beacon') return undefined
        const { BeaconRuntime, beaconOptions } = await import('./runtime.js') // loaded only when an image asks for it
        scope.provide(beaconOptions, { port })
        return scope.make(BeaconRuntime)
      })
      // A plugin changes hosts by refining the steps: every host greets whoever logs in.
      hooks.install.steps.tapPromise('runtime-beacon', async (steps, wanted) =>
        wanted.runtime !== 'beacon'
          ? steps
          : [...steps, ...hostsOf(steps).map((host) => greeting(host, wanted.cluster))],
      )
    },
  }
}
export default beacon

const file = '/etc/profile.d/beacon.sh'
const hostsOf = (steps) => [...new Map(steps.flatMap(({ host }) => (host ? [[host.name, host]] : []))).values()]

const greeting = (host, cluster) => ({
  id: `greeting/${host.name}`,
  title: 'Greet those who log in',
  host,
  after: [`beacon/${host.name}`],
  skip: async () => ((await host.read(file)) === text(cluster) ? 'greets' : undefined),
  do: async ({ host }) => await host.write(file, text(cluster)),
})
const text = (cluster) => `echo 'This host belongs to ${cluster}.'\n`
