import {
  type HostView,
  type Launchpad,
  type Runtime,
  type RuntimeContext,
  type Secrets,
  type Step,
  service,
  services,
  wire,
} from '@sealer/core'
import { adminConfig, adminEnv } from './environment.ts'
import { errors } from './errors.ts'
import { apiHost, apiPort } from './kubeadm/documents.ts'
import { checkWishes } from './kubeadm/planned.ts'
import { membersOf } from './membership.ts'
import { siteOf } from './site.ts'
import { clusterStatus } from './status.ts'
import { startContainerd } from './steps/containerd.ts'
import { addDns } from './steps/dns.ts'
import { fetchImages } from './steps/fetch-images.ts'
import { init } from './steps/init.ts'
import { join } from './steps/join.ts'
import { startKubelet } from './steps/kubelet.ts'
import { leave } from './steps/leave.ts'
import { markNode, wantsMarks } from './steps/mark-node.ts'
import { launchNetwork } from './steps/network.ts'
import { prepare } from './steps/prepare.ts'
import { ready } from './steps/ready.ts'
import { awaitToken, makeToken, withdrawToken } from './steps/token.ts'

/** What the wish says about the runtime as such. */
export interface K8sSettings {
  readonly needsSwapOff: boolean
}

export const k8sSettings = service<K8sSettings>('runtime-k8s/settings')

/** Clusters made with kubeadm, out of what the image brings: nothing is taken from a host's package manager. */
export class K8sRuntime implements Runtime {
  readonly name = 'kubernetes'
  readonly delivery = 'hosts'
  readonly ports = { master: [6443, 2379, 2380, 10250, 10257, 10259], node: [10250] }
  readonly traces = [
    '/etc/kubernetes/kubelet.conf',
    '/etc/kubernetes/manifests/kube-apiserver.yaml',
    '/var/lib/etcd/member',
    '/var/lib/kubelet/config.yaml',
    '/etc/rancher',
    '/etc/containerd/config.toml',
    '/run/containerd/containerd.sock',
  ]
  /** The kubelet does not start with swap, unless its configuration says so. */
  readonly needsSwapOff: boolean
  readonly #secrets: Secrets

  constructor(secrets: Secrets, { needsSwapOff }: K8sSettings) {
    this.#secrets = secrets
    this.needsSwapOff = needsSwapOff
  }

  /** Read this to know how a cluster comes about. @throws errors of the wishes, before anything is changed */
  install(context: RuntimeContext): readonly Step[] {
    const site = siteOf(context)
    const members = membersOf(site)
    checkWishes(site)
    const { hosts } = context
    return [
      ...hosts.map((host) => prepare(host, site, members)),
      ...hosts.map((host) => startContainerd(host, site)),
      ...hosts.map((host) => startKubelet(host, members)),
      ...hosts.map((host) => fetchImages(host, site, members)),
      init(site.first, site, members, this.#secrets),
      makeToken(site, members, this.#secrets),
      awaitToken(site, members),
      launchNetwork(site),
      ...[...site.masters, ...site.nodes].map((host) => join(host, site, members)),
      ...hosts.filter(({ view }) => wantsMarks(view.spec)).map((host) => markNode(host, site, members)),
      addDns(site, members),
      withdrawToken(site, members),
      ready(site, members),
    ]
  }

  remove(context: RuntimeContext): readonly Step[] {
    return context.hosts.map((host) => leave(host, context))
  }

  status(hosts: readonly HostView[]) {
    return clusterStatus(hosts)
  }

  launchpad(hosts: readonly HostView[]): Launchpad {
    const [master] = mastersOf(hosts)
    if (master === undefined) throw errors.CLUSTER_SILENT({ reason: 'there is no master' })
    return { host: master, env: adminEnv }
  }

  /** @throws CLUSTER_SILENT */
  async kubeconfig(hosts: readonly HostView[]): Promise<string> {
    const read = async (master: HostView): Promise<string> => {
      const text = await master.read(adminConfig)
      if (text === undefined) throw new Error(`${master.name} is no control plane`)
      return text.replaceAll(`https://${apiHost}:${apiPort}`, `https://${bracketed(master.address)}:${apiPort}`)
    }
    try {
      return await Promise.any(mastersOf(hosts).map(read))
    } catch (cause) {
      throw errors.CLUSTER_SILENT({ reason: `${adminConfig} could not be read on any master` }, { cause })
    }
  }
}
wire(K8sRuntime, services.secrets, k8sSettings)

const mastersOf = (hosts: readonly HostView[]) => hosts.filter(({ roles }) => roles.includes('master'))

const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address)
