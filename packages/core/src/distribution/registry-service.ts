import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import type { Step } from '../step.ts'
import { errors } from './errors.ts'
import { clusterPaths, storageRoot } from './paths.ts'
import { layOut, namesMissing, sharedLinks } from './registry-names.ts'
import { isCurrent, type RegistryAuthority } from './registry-pki.ts'

/** Name of the systemd unit on every master, and for a while on other hosts that pass blobs on. */
export const registryUnit = 'sealer-registry.service'

const unitPath = `/etc/systemd/system/${registryUnit}`

/** Id of the step after which the registry of a host answers, whatever has arrived there. */
export const registryStartStep = (host: HostView): string => `registry-start/${host.name}`

/** An address as it stands in a URL. */
export const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** What every registry of a cluster has in common. */
export interface RegistryOptions {
  readonly cluster: string
  readonly port: number
  readonly authority: RegistryAuthority
  readonly clock: Clock
}

interface StartOptions extends RegistryOptions {
  /** Whether the authority's key is kept here, so that another operator can go on. */
  readonly keepsAuthority: boolean
  /** Blobs that other hosts lack and get from here. */
  readonly shared: readonly BlobDescriptor[]
  readonly after: readonly string[]
  /** A reason that there is nothing to serve, known while planning. */
  readonly idle?: string
}

/** Starts the registry that the image brings, as soon as the rootfs is there: what arrives later is served from its arrival on. */
export function startRegistry(host: HostView, options: StartOptions): Step {
  const { cluster, port, authority, clock, shared } = options
  const paths = clusterPaths(cluster)
  const program = `${paths.rootfs}/bin/registry`
  const config = registryConfig(host.address, port, paths)
  const links = sharedLinks(shared)
  const runs = async (view: HostView): Promise<boolean> => {
    const running = await view.inquire({ argv: ['systemctl', 'is-active', registryUnit], accept: [0, 1, 2, 3, 4] })
    if (running.stdout.trim() !== 'active' || (await view.read(paths.registryConfig)) !== config) return false
    return isCurrent(await view.read(paths.serverCertificate), authority.certificate, clock)
  }
  return {
    id: registryStartStep(host),
    title: 'Start the registry',
    host,
    after: options.after,
    skip: async () => {
      if (options.idle !== undefined) return options.idle
      return (await runs(host)) && (await namesMissing(host, links)).length === 0 ? 'it runs' : undefined
    },
    do: async ({ host }) => {
      await layOut(host, links)
      if (await runs(host)) return // other hosts may be pulling
      if (!(await host.has(program))) throw errors.REGISTRY_PROGRAM_MISSING({ image: cluster })
      const leaf = await authority.issue({ kind: 'server', name: host.name, addresses: [host.address] })
      await host.write(paths.serverKey, leaf.key, { mode: 0o600 })
      await host.write(paths.serverCertificate, leaf.certificate)
      if (options.keepsAuthority) await host.write(paths.caKey, (await authority.pair()).key, { mode: 0o600 })
      await host.write(paths.registryConfig, config)
      await host.write(unitPath, unitFile(program, paths.registryConfig))
      await host.exec('sh', '-c', start, 'start', registryUnit, hexPort(port))
    },
  }
}

/** Ends the registry of a host; `skip` says otherwise than by looking when there is nothing to end. */
export function stopRegistry(host: HostView, after: readonly string[], skip = hasNone(host)): Step {
  return {
    id: `registry-stop/${host.name}`,
    title: 'Stop the registry',
    host,
    after,
    skip,
    do: async ({ host }) => {
      await host.run({ argv: ['systemctl', 'disable', '--quiet', '--now', registryUnit], accept: [0, 1, 5] })
      await host.exec('rm', '-f', unitPath)
      await host.exec('systemctl', 'daemon-reload')
      await host.run({ argv: ['systemctl', 'reset-failed', registryUnit], accept: [0, 1, 5] })
    },
  }
}

/** A reason not to stop a registry: the host has none. */
export const hasNone = (host: HostView) => async () => ((await host.has(unitPath)) ? undefined : 'has none')

// $1 unit, $2 port in hex. Waits until a socket listens on the port: the unit is "active" a moment before.
const start = `set -e
systemctl enable --quiet "$1"
systemctl restart "$1"
n=0
while [ $n -lt 200 ]; do
  grep -qi ":$2 [0-9a-f:]* 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null && exit 0
  n=$((n+1)); sleep 0.05
done
echo "the registry does not listen after 10 s" >&2; exit 1`

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/** Configuration of the CNCF distribution registry 3 (distribution.github.io, "Configuring a registry"): read-only, cluster addresses only, client certificates wanted. */
function registryConfig(address: string, port: number, paths: ReturnType<typeof clusterPaths>): string {
  return `version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${storageRoot}
  maintenance:
    readonly:
      enabled: true
http:
  addr: "${urlHost(address)}:${port}"
  tls:
    certificate: ${paths.serverCertificate}
    key: ${paths.serverKey}
    clientcas:
      - ${paths.ca}
`
}

const unitFile = (program: string, config: string): string => `[Unit]
Description=sealer: container images of this cluster
After=network.target

[Service]
ExecStart=${program} serve ${config}
Environment=OTEL_TRACES_EXPORTER=none
Restart=always
RestartSec=2
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`
