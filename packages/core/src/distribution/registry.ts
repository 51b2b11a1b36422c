import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import type { CarriedImage } from '../image/cluster-config.ts'
import { parseReference } from '../image/reference.ts'
import type { Step, Work } from '../step.ts'
import { errors } from './errors.ts'
import { onceEach } from './inventory.ts'
import { clusterPaths, hexOf, storageRoot } from './paths.ts'
import type { RegistryMap } from './registry-map.ts'
import { isCurrent, type RegistryAuthority } from './registry-pki.ts'

/** Name of the systemd unit on every master. */
export const registryUnit = 'sealer-registry.service'

/** Id of the step after which container images can be pulled from this master. */
export const registryStep = (master: HostView): string => `registry/${master.name}`

/** Id of the step after which a host holds its client certificate. */
export const identityStep = (host: HostView): string => `registry-identity/${host.name}`

/** Repository of an upstream host inside our registry: a `:` in a repository's name makes registries fail. */
export const upstreamPath = (host: string): string => host.replaceAll(':', '__')

/** Where every upstream of the bundle is served: on all masters, this host's own first. */
export function registryMap(
  cluster: string,
  masters: readonly HostView[],
  images: readonly CarriedImage[],
  { port, fallback }: { readonly port: number; readonly fallback: RegistryMap['fallback'] },
): RegistryMap {
  const paths = clusterPaths(cluster)
  const hosts = [...new Set(images.map((image) => parseReference(image.reference).registry))].sort()
  return {
    upstreams: hosts.map((host) => ({
      host,
      urls: masters.map(({ address }) => `https://${urlHost(address)}:${port}/v2/${upstreamPath(host)}`),
    })),
    fallback,
    ca: paths.ca,
    clientCertificate: paths.clientCertificate,
    clientKey: paths.clientKey,
  }
}

const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** Gives a host the authority's certificate and a client certificate of its own: only hosts of the cluster may pull. */
export function placeIdentity(host: HostView, cluster: string, authority: RegistryAuthority, clock: Clock): Step {
  const paths = clusterPaths(cluster)
  return {
    id: identityStep(host),
    title: 'Receive a client certificate for the registries',
    host,
    after: [],
    skip: async () => {
      const [ca, leaf] = [await host.read(paths.ca), await host.read(paths.clientCertificate)]
      return ca === authority.certificate && isCurrent(leaf, authority.certificate, clock) ? 'has one' : undefined
    },
    do: async ({ host }) => {
      const leaf = await authority.issue({ kind: 'client', name: host.name })
      await host.write(paths.ca, (await authority.pair()).certificate)
      await host.write(paths.clientKey, leaf.key, { mode: 0o600 })
      await host.write(paths.clientCertificate, leaf.certificate)
    },
  }
}

/** Serves the images that have arrived on a master: names are laid out beside the blobs, so nothing is pushed or copied. */
export function serveImages(
  host: HostView,
  cluster: string,
  images: readonly CarriedImage[],
  {
    port,
    authority,
    clock,
    after,
  }: {
    readonly port: number
    readonly authority: RegistryAuthority
    readonly clock: Clock
    readonly after: readonly string[]
  },
): Step {
  const paths = clusterPaths(cluster)
  const program = `${paths.rootfs}/bin/registry`
  const config = registryConfig(host.address, port, paths)
  return {
    id: registryStep(host),
    title: 'Serve the container images',
    host,
    after,
    skip: async () => {
      const running = await host.inquire({ argv: ['systemctl', 'is-active', registryUnit], accept: [0, 1, 2, 3, 4] })
      if (running.stdout.trim() !== 'active' || (await host.read(paths.registryConfig)) !== config) return undefined
      if (!isCurrent(await host.read(paths.serverCertificate), authority.certificate, clock)) return undefined
      return (await namesMissing(host, images)).length === 0 ? 'serves them' : undefined
    },
    do: async (work) => {
      const { host } = work
      if (!(await host.has(program))) throw errors.REGISTRY_PROGRAM_MISSING({ image: cluster })
      await layOutNames(work, images)
      const leaf = await authority.issue({ kind: 'server', name: host.name, addresses: [host.address] })
      await host.write(paths.serverKey, leaf.key, { mode: 0o600 })
      await host.write(paths.serverCertificate, leaf.certificate)
      await host.write(paths.caKey, (await authority.pair()).key, { mode: 0o600 })
      await host.write(paths.registryConfig, config)
      await host.write(`/etc/systemd/system/${registryUnit}`, unitFile(program, paths.registryConfig))
      await host.exec('systemctl', 'daemon-reload')
      await host.exec('systemctl', 'enable', '--quiet', registryUnit)
      await host.exec('systemctl', 'restart', registryUnit)
      await host.exec('sh', '-c', awaitPort, 'await', hexPort(port))
      const missing = await namesMissing(host, images)
      if (missing.length > 0) throw errors.REGISTRY_NOT_SERVING({ host: host.name, missing: missing.join(', ') })
    },
  }
}

/** Steps that end the registry of a host. */
export function stopRegistry(host: HostView, after: readonly string[]): Step {
  return {
    id: `registry-stop/${host.name}`,
    title: 'Stop the registry',
    host,
    after,
    skip: async () => ((await host.has(`/etc/systemd/system/${registryUnit}`)) ? undefined : 'has none'),
    do: async ({ host }) => {
      await host.run({ argv: ['systemctl', 'disable', '--quiet', '--now', registryUnit], accept: [0, 1, 5] })
      await host.exec('rm', '-f', `/etc/systemd/system/${registryUnit}`)
      await host.exec('systemctl', 'daemon-reload')
      await host.run({ argv: ['systemctl', 'reset-failed', registryUnit], accept: [0, 1, 5] })
    },
  }
}

// Waits until a socket listens on the port ($1 in hex): the unit is "active" a moment before.
const awaitPort = `n=0; while [ $n -lt 100 ]; do grep -qi ":$1 [0-9a-f:]* 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null && exit 0; n=$((n+1)); sleep 0.1; done
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

const manifestTypes = /\.(manifest|index|list)\.|\+json$/
const isManifest = (mediaType: string): boolean => manifestTypes.test(mediaType) && !mediaType.includes('config')

/** One small file of the registry's storage that points at a blob. */
interface Link {
  readonly path: string
  readonly digest: string
}

/** Links that make the blobs of an image readable under its name (layout of the registry's file system driver). */
function linksOf(image: CarriedImage): readonly Link[] {
  const { registry, repository, tag } = parseReference(image.reference)
  const folder = `docker/registry/v2/repositories/${upstreamPath(registry)}/${repository}`
  const tags =
    tag === undefined
      ? []
      : [`_manifests/tags/${tag}/current/link`, `_manifests/tags/${tag}/index/sha256/${hexOf(image.digest)}/link`]
  return [
    ...tags.map((path) => ({ path: `${folder}/${path}`, digest: image.digest })),
    ...image.blobs.map(({ digest, mediaType }) => ({
      path: isManifest(mediaType)
        ? `${folder}/_manifests/revisions/sha256/${hexOf(digest)}/link`
        : `${folder}/_layers/sha256/${hexOf(digest)}/link`,
      digest,
    })),
  ]
}

async function layOutNames({ host }: Work, images: readonly CarriedImage[]): Promise<void> {
  const archive = pack()
  const links = new Map(images.flatMap(linksOf).map((link) => [link.path, link]))
  for (const { path, digest } of links.values()) archive.entry({ name: path, mode: 0o644 }, digest)
  archive.finalize()
  await host.send(Readable.from(archive), 'tar', '-x', '-f', '-', '-C', storageRoot, '--no-same-owner')
}

// For each path and hex on standard input: the hex when the link or its blob is not there.
const seen = `while read -r path hex; do
  [ "$(cat "$1/$path" 2>/dev/null)" = "sha256:$hex" ] && [ -f "$1/docker/registry/v2/blobs/sha256/$(printf %.2s "$hex")/$hex/data" ] || echo "$hex"
done`

async function namesMissing(host: HostView, images: readonly CarriedImage[]): Promise<readonly string[]> {
  const links = images.flatMap(linksOf)
  const { stdout } = await host.inquire({
    argv: ['sh', '-c', seen, 'seen', storageRoot],
    input: links.map(({ path, digest }) => `${path} ${hexOf(digest)}\n`).join(''),
  })
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))]
}

/** Every blob that a master needs to serve these images, each once. */
export const blobsToServe = (images: readonly CarriedImage[]) => onceEach(images.flatMap((image) => image.blobs))
