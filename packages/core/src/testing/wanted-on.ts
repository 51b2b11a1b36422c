import { Readable } from 'node:stream'
import type { HostView, Platform } from '../hosts/host.ts'
import type { ClusterConfig } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { KnownHost, RuntimeContext } from '../runtime.ts'
import type { Wanted, WantedImage } from '../wanted.ts'

/** A base image that holds nothing but its config. */
export function fakeImage(config: Partial<ClusterConfig> = {}): WantedImage {
  const platforms: readonly Platform[] = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ]
  return {
    reference: 'docker.io/library/base:v1',
    digest: `sha256:${'0'.repeat(64)}`,
    platforms,
    store: emptyStore,
    config: async (platform) => ({
      schemaVersion: 1,
      type: 'kube-installer',
      platform,
      runtime: { type: 'test' },
      apps: [],
      launch: [],
      cmds: [],
      env: {},
      labels: {},
      requirements: {},
      parts: [],
      source: 'none',
      ...config,
    }),
  }
}

const notThere = async () => {
  throw new Error('The store of this test is empty.')
}
const emptyStore: ImageStore = {
  path: '/nonexistent',
  list: async () => [],
  resolve: notThere,
  platform: notThere,
  has: async () => false,
  blobPath: (digest) => `/nonexistent/${digest}`,
  open: () => Readable.from([]),
}

/** A wish for a cluster on these hosts. */
export function wantedOn(hosts: readonly HostView[], overrides: Partial<Wanted> = {}): Wanted {
  return {
    cluster: 'test',
    image: fakeImage(),
    runtime: 'test',
    infra: 'baremetal',
    hosts: hosts.map((host) => host.spec),
    counts: { masters: 0, nodes: 0 },
    env: {},
    runtimeOptions: {},
    infraOptions: {},
    documents: [],
    hostAliases: [],
    registry: { fallback: 'upstream', port: 5000 },
    timeoutSeconds: 60,
    ...overrides,
  }
}

/** What core arranges for a runtime, on hosts that exist. */
export async function contextOn(
  hosts: readonly HostView[],
  overrides: Partial<RuntimeContext> = {},
): Promise<RuntimeContext> {
  const known = hosts.map(async (view): Promise<KnownHost> => ({ view, facts: await view.facts(), exists: true }))
  const masters = hosts.filter((host) => host.roles.includes('master'))
  return {
    wanted: wantedOn(hosts),
    hosts: await Promise.all(known),
    rootfs: '/var/lib/sealer/clusters/test/rootfs',
    registries: {
      upstreams: [{ host: 'docker.io', urls: masters.map(({ address }) => `https://${address}:5000/v2/docker.io`) }],
      fallback: 'upstream',
      ca: '/var/lib/sealer/registry/ca.crt',
      clientCertificate: '/var/lib/sealer/registry/client.crt',
      clientKey: '/var/lib/sealer/registry/client.key',
    },
    rootfsStep: (host) => `rootfs/${host.name}`,
    registryStep: (master) => `registry/${master.name}`,
    ...overrides,
  }
}
