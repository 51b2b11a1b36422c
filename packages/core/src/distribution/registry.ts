import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import type { BlobDescriptor, CarriedImage } from '../image/cluster-config.ts'
import { parseReference } from '../image/reference.ts'
import type { Step } from '../step.ts'
import { errors } from './errors.ts'
import { onceEach } from './inventory.ts'
import { clusterPaths } from './paths.ts'
import type { RegistryMap } from './registry-map.ts'
import { layOut, linksOf, namesMissing, sharedLinks, upstreamPath } from './registry-names.ts'
import { isCurrent, type RegistryAuthority } from './registry-pki.ts'
import { urlHost } from './registry-service.ts'

/** Id of the step after which container images can be pulled from this master. */
export const registryStep = (master: HostView): string => `registry/${master.name}`

/** Id of the step after which a host holds its client certificate. */
export const identityStep = (host: HostView): string => `registry-identity/${host.name}`

/** How the registries of a cluster are reached. */
export interface RegistryAccess {
  readonly port: number
  readonly fallback: RegistryMap['fallback']
  /** A registry that serves every upstream (`ns=`), asked in place of all of them for what the masters lack. */
  readonly pullThrough?: string
}

/** Where every upstream of the bundle is served: on all masters, this host's own first. */
export function registryMap(
  cluster: string,
  masters: readonly HostView[],
  images: readonly CarriedImage[],
  { port, fallback, pullThrough }: RegistryAccess,
): RegistryMap {
  const last = pullThrough === undefined ? [] : [pullThrough]
  const paths = clusterPaths(cluster)
  const hosts = [...new Set(images.map((image) => parseReference(image.reference).registry))].sort()
  return {
    upstreams: hosts.map((host) => ({
      host,
      urls: [...masters.map(({ address }) => `https://${urlHost(address)}:${port}/v2/${upstreamPath(host)}`), ...last],
    })),
    ...(pullThrough === undefined ? { fallback } : { fallback: 'never', others: last }),
    ca: paths.ca,
    clientCertificate: paths.clientCertificate,
    clientKey: paths.clientKey,
  }
}

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

/**
 * Serves the images that have arrived on a master: names are laid out beside the blobs, so nothing is pushed or copied.
 * @param shared blobs that other masters lack and get from here
 */
export function serveImages(
  host: HostView,
  images: readonly CarriedImage[],
  { shared, after }: { readonly shared: readonly BlobDescriptor[]; readonly after: readonly string[] },
): Step {
  const links = [...linksOf(images), ...sharedLinks(shared)]
  return {
    id: registryStep(host),
    title: 'Serve the container images',
    host,
    after,
    skip: async () => ((await namesMissing(host, links)).length === 0 ? 'serves them' : undefined),
    do: async ({ host }) => {
      await layOut(host, links)
      const missing = await namesMissing(host, links)
      if (missing.length > 0) throw errors.REGISTRY_NOT_SERVING({ host: host.name, missing: missing.join(', ') })
    },
  }
}

/** Every blob that a master needs to serve these images, each once. */
export const blobsToServe = (images: readonly CarriedImage[]) => onceEach(images.flatMap((image) => image.blobs))
