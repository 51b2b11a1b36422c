import { errors, SealerError } from './errors.ts'
import type { HostSpec, SshAccess } from './hosts/host.ts'
import type { SshSettings } from './hosts/ssh-config.ts'
import type { ClusterRecord, Images, Watch } from './sealer.ts'
import type { Wanted, WantedImage } from './wanted.ts'
import type { Wish, WishedHost } from './wish.ts'

const defaultAccess: SshAccess = { user: 'root', port: 22 }
const defaultRegistry = { fallback: 'upstream', port: 5000 } as const
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What a wish does not say itself. */
interface Surroundings extends Watch {
  /** What this machine's SSH configuration says of an address. */
  readonly sshSettings?: (address: string) => SshSettings
}

/**
 * A wish with everything filled in: the image resolved (and pulled when this machine lacks it), defaults in place of what nobody said.
 * An image that nobody may look at is refused here, before any host is met.
 * @throws NAME_INVALID, HOSTS_MISSING, IMAGE_NOT_FOUND, SIGNATURE_MISSING …
 */
export async function resolveWanted(
  wish: Wish,
  images: Images,
  { signal, sshSettings = () => ({}) }: Surroundings = {},
): Promise<Wanted> {
  const cluster = wish.cluster ?? 'my-cluster'
  if (!label.test(cluster)) throw errors.NAME_INVALID({ what: 'cluster', name: cluster })
  const counts = wish.counts ?? { masters: 0, nodes: 0 }
  const hosts = (wish.hosts ?? []).map((host) =>
    specOf(host, { ...defaultAccess, ...sshSettings(host.address), ...wish.ssh }),
  )
  if (hosts.length === 0 && counts.masters === 0) throw errors.HOSTS_MISSING({})
  const image = await imageOf(wish.image ?? '', images, signal)
  const [platform] = image.platforms
  const runtime = wish.runtime ?? (platform === undefined ? 'kubernetes' : (await image.config(platform)).runtime.type)
  return {
    cluster,
    image,
    runtime,
    infra: wish.infra ?? 'baremetal',
    hosts: [
      ...hosts.filter((host) => host.roles.includes('master')),
      ...hosts.filter((host) => !host.roles.includes('master')),
    ],
    counts,
    env: wish.env ?? {},
    ...(wish.apps === undefined ? {} : { apps: wish.apps }),
    ...(wish.cmds === undefined ? {} : { cmds: wish.cmds }),
    runtimeOptions: wish.runtimeOptions ?? {},
    infraOptions: wish.infraOptions ?? {},
    documents: wish.documents ?? [],
    hostAliases: wish.hostAliases ?? [],
    registry: { ...defaultRegistry, ...wish.registry },
    timeoutSeconds: wish.timeoutSeconds ?? 300,
  }
}

/** What a cluster that is remembered was made from; its image need not be on this machine any more. */
export function wantedOfRecord(record: ClusterRecord, images: Images): Wanted {
  return {
    cluster: record.name,
    image: {
      reference: record.image,
      digest: record.digest,
      platforms: [],
      store: images.store,
      config: async (platform) =>
        (await images.store.platform(await images.store.resolve(record.digest), platform)).config,
    },
    runtime: record.runtime,
    infra: record.infra,
    hosts: record.hosts,
    counts: { masters: 0, nodes: 0 },
    env: {},
    runtimeOptions: record.runtimeOptions,
    infraOptions: record.infraOptions,
    documents: [],
    hostAliases: [],
    registry: record.registry,
    timeoutSeconds: 300,
  }
}

/** The name of a host that has none yet is its address: once it has been met, its hostname. */
function specOf({ name, ssh, ...host }: WishedHost, common: SshAccess): HostSpec {
  if (name !== undefined && !label.test(name)) throw errors.NAME_INVALID({ what: 'host', name })
  return { ...host, name: name ?? host.address, ssh: { ...common, ...ssh } }
}

async function imageOf(reference: string, images: Images, signal: AbortSignal | undefined): Promise<WantedImage> {
  const { store } = images
  const here = async () => {
    await images.admit(reference)
    return await store.resolve(reference)
  }
  const stored = await here().catch(async (error: unknown) => {
    if (!SealerError.is(error) || error.code !== 'IMAGE_NOT_FOUND') throw error
    return await images.pull(reference, signal === undefined ? {} : { signal })
  })
  return {
    reference,
    digest: stored.digest,
    platforms: stored.platforms,
    store,
    config: async (platform) => (await store.platform(stored, platform)).config,
  }
}
