import { service, services, wire } from '@sealer/core'

export const beaconOptions = service('runtime-beacon/options')
const unit = 'beacon.service'
const unitPath = `/etc/systemd/system/${unit}`

/** A cluster of beacons: every host answers on one port with the name of the cluster. @implements {import('@sealer/core').Runtime} */
export class BeaconRuntime {
  name = 'beacon'
  delivery = 'hosts'
  traces = [unitPath]
  #log
  #port

  constructor(log, { port }) {
    this.#log = log
    this.#port = port
    this.ports = { master: [port], node: [port] }
  }

  install({ wanted, hosts, rootfs, rootfsStep }) {
    this.#log.debug(`${hosts.length} beacons for ${wanted.cluster}`)
    const text = unitFile(`${rootfs}/bin/beacon`, this.#port, wanted.cluster)
    return hosts.map(({ view }) => ({
      id: `beacon/${view.name}`,
      title: 'Start the beacon',
      host: view,
      after: [rootfsStep(view)],
      skip: async () => ((await view.read(unitPath)) === text && (await isActive(view)) ? 'shines' : undefined),
      do: async ({ host }) => {
        await host.write(unitPath, text)
        await host.exec('systemctl', 'daemon-reload')
        await host.exec('systemctl', 'enable', '--quiet', unit)
        await host.exec('systemctl', 'restart', unit)
      },
    }))
  }

  remove({ hosts }) {
    return hosts.map(({ view }) => ({
      id: `beacon-off/${view.name}`,
      title: 'Put the beacon out',
      host: view,
      after: [],
      skip: async () => ((await view.has(unitPath)) ? undefined : 'has none'),
      do: async ({ host }) => {
        await host.run({ argv: ['systemctl', 'disable', '--quiet', '--now', unit], accept: [0, 1, 5] })
        await host.exec('rm', '-f', unitPath, '/etc/profile.d/beacon.sh')
        await host.exec('systemctl', 'daemon-reload')
      },
    }))
  }

  async status(hosts) {
    const nodes = await Promise.all(
      hosts.map(async (host) => {
        const ready = await isActive(host).catch(() => false)
        return {
          name: host.name,
          roles: host.roles,
          ready,
          version: '1',
          ...(ready ? {} : { reason: 'the beacon is out' }),
        }
      }),
    )
    const lit = nodes.filter((node) => node.ready).length
    return { state: lit === 0 ? 'absent' : lit === nodes.length ? 'ready' : 'degraded', nodes }
  }
}
wire(BeaconRuntime, services.logger, beaconOptions)

async function isActive(host) {
  const { stdout } = await host.inquire({ argv: ['systemctl', 'is-active', unit], accept: [0, 1, 2, 3, 4] })
  return stdout.trim() === 'active'
}

const unitFile = (program, port, cluster) => `[Unit]
Description=beacon of ${cluster}

[Service]
ExecStart=${program} ${port} ${cluster}
Restart=always

[Install]
WantedBy=multi-user.target
`
