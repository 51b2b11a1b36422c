import type { CarriedImage, ClusterConfig, KnownHost, PlatformImage, Step } from '@sealer/core'
import { certsFolder } from '../containerd/config.ts'
import { pathWith } from '../environment.ts'
import type { Members } from '../membership.ts'
import { isMaster, type Site } from '../site.ts'

/** What every node runs at once, and what a control plane runs besides. */
const nodeImages = ['pause', 'kube-proxy']
const masterImages = [...nodeImages, 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']

/** Brings what a host runs first, while the control plane is still being made. The first master gets the rest by kubeadm. */
export const fetchImages = (host: KnownHost, site: Site, members: Members): Step => ({
  id: `images/${host.view.name}`,
  title: 'Fetch the images that it runs first',
  host: host.view,
  after: [`containerd/${host.view.name}`, site.context.registryStep(site.first.view)],
  skip: async () => ((await members.has(host)) ? 'already joined' : undefined),
  do: async ({ host: target, signal }) => {
    const { store, digest } = site.context.wanted.image
    const image = await store.platform(await store.resolve(digest), host.facts.platform)
    const wanted = firstImages(image, namesFor(host, site))
    if (wanted.length === 0) return
    const names = wanted.flatMap((one) => [one.reference, nameByDigest(one)])
    await target.run({ argv: ['sh', '-c', pullScript, 'sh', ...names], env: pathWith(site.bin), signal })
  },
})

/** The second name is what the kubelet tells as a pod's imageID; without it that would be the digest of the image's config. */
const pullScript = `
while [ $# -gt 1 ]; do
  ctr -n k8s.io images pull --hosts-dir ${certsFolder} "$1" >/dev/null || exit 1
  [ "$1" = "$2" ] || ctr -n k8s.io images tag --force "$1" "$2" >/dev/null || exit 1
  shift 2
done`

/** `quay.io/x/y:v1` → `quay.io/x/y@sha256:…` */
export const nameByDigest = ({ reference, digest }: Pick<CarriedImage, 'reference' | 'digest'>): string =>
  `${reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '')}@${digest}`

/** CoreDNS has two pods, which the scheduler sends to the emptiest hosts: nodes, or else masters. */
function namesFor(host: KnownHost, site: Site): readonly string[] {
  const own = host === site.first ? [] : isMaster(host) ? masterImages : nodeImages
  return [...site.nodes, ...site.masters].slice(0, 2).includes(host) ? [...own, 'coredns'] : own
}

/** Images of these names, and those of apps for network and storage. */
export function firstImages(
  { config, images }: Pick<PlatformImage, 'config' | 'images'>,
  names: readonly string[],
): readonly CarriedImage[] {
  const apps = networkApps(config)
  return images.filter(
    ({ reference, apps: users }) => names.includes(shortName(reference)) || users.some((app) => apps.includes(app)),
  )
}

const networkApps = ({ apps }: ClusterConfig) => apps.filter(({ kind }) => kind !== undefined).map(({ name }) => name)

/** `registry.k8s.io/coredns/coredns:v1.12.1` → `coredns`. */
const shortName = (reference: string) => /([^/:@]+)(:[^/@]*)?(@.*)?$/.exec(reference)?.[1] ?? reference
