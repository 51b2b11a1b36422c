import type { WantedDocument } from '@sealer/core'
import { errors } from '../errors.ts'
import { asV1beta4 } from './fragments.ts'
import { contradictions, isTree, mergeTrees, type Tree, valueAt } from './trees.ts'

export const apiHost = 'apiserver.cluster.local'
export const apiPort = 6443
export const criSocket = 'unix:///run/containerd/containerd.sock'

export type ConfigKind =
  | 'ClusterConfiguration'
  | 'InitConfiguration'
  | 'JoinConfiguration'
  | 'KubeletConfiguration'
  | 'KubeProxyConfiguration'

const apiVersions: Readonly<Record<ConfigKind, string>> = {
  ClusterConfiguration: 'kubeadm.k8s.io/v1beta4',
  InitConfiguration: 'kubeadm.k8s.io/v1beta4',
  JoinConfiguration: 'kubeadm.k8s.io/v1beta4',
  KubeletConfiguration: 'kubelet.config.k8s.io/v1beta1',
  KubeProxyConfiguration: 'kubeproxy.config.k8s.io/v1alpha1',
}

/** What the configuration of a whole cluster depends on. */
export interface ClusterFacts {
  /** `v1.34.4`; undefined while planning, when only the image knows. */
  readonly version?: string
  readonly masters: readonly { readonly name: string; readonly address: string }[]
  readonly systemdCgroups: boolean
  /** Whether some host has cgroup v1 only. */
  readonly cgroupV1: boolean
  /** Whether all hosts let kube-proxy write the conntrack sysctls. */
  readonly conntrackSysctls: boolean
  /** PodCIDR, SvcCIDR and CertSANs count here. */
  readonly env: Readonly<Record<string, string>>
}

/** Documents from the image and from the Clusterfile, weaker first. */
export interface ConfigSources {
  readonly image: readonly WantedDocument[]
  readonly user: readonly WantedDocument[]
}

/**
 * A document for kubeadm: built-in defaults, under the image's, under the Clusterfile's, under what was computed.
 * @throws CONFIG_CONTRADICTS, CONFIG_RESERVED, PREFLIGHT_WHOLESALE when the Clusterfile says what cannot be
 */
export function configDocument(
  kind: ConfigKind,
  sources: ConfigSources,
  facts: ClusterFacts,
  ofThisHost: Tree = {},
): Tree {
  const user = ofKind(kind, sources.user)
  const weaker = mergeTrees(mergeTrees(defaultsOf(kind, facts.env), ofKind(kind, sources.image)), user)
  const computed = mergeTrees(computedOf(kind, facts), ofThisHost)
  refuse(kind, user, computed)
  const merged = mergeTrees(weaker, computed)
  return { ...withAllNames(kind, merged, weaker), apiVersion: apiVersions[kind], kind }
}

/** Documents as one file. JSON is YAML; nothing needs quoting by hand. */
export const configFile = (...documents: readonly Tree[]): string =>
  documents.map((one) => `${JSON.stringify(one, null, 2)}\n`).join('---\n')

const ofKind = (kind: ConfigKind, documents: readonly WantedDocument[]): Tree =>
  documents
    .filter((one) => one.kind === kind)
    .map(({ value }) => asV1beta4(value))
    .reduce((weak, strong) => mergeTrees(weak, strong), {})

function defaultsOf(kind: ConfigKind, env: ClusterFacts['env']): Tree {
  switch (kind) {
    case 'ClusterConfiguration':
      return {
        networking: {
          podSubnet: env.PodCIDR ?? '10.244.0.0/16',
          serviceSubnet: env.SvcCIDR ?? '10.96.0.0/22',
          dnsDomain: 'cluster.local',
        },
      }
    case 'InitConfiguration':
    case 'JoinConfiguration':
      return { nodeRegistration: { imagePullSerial: false } }
    case 'KubeletConfiguration':
      return { serializeImagePulls: false, maxParallelImagePulls: 3 }
    case 'KubeProxyConfiguration':
      return { mode: 'iptables' }
  }
}

function computedOf(kind: ConfigKind, facts: ClusterFacts): Tree {
  switch (kind) {
    case 'ClusterConfiguration':
      return {
        controlPlaneEndpoint: `${apiHost}:${apiPort}`,
        ...(facts.version === undefined ? {} : { kubernetesVersion: facts.version }),
        apiServer: {
          certSANs: [
            '127.0.0.1',
            'localhost',
            apiHost,
            ...facts.masters.map(({ address }) => address),
            ...(facts.env.CertSANs ?? '').split(',').filter((name) => name !== ''),
          ],
        },
      }
    case 'InitConfiguration':
    case 'JoinConfiguration':
      return { nodeRegistration: { criSocket } }
    case 'KubeletConfiguration':
      return {
        cgroupDriver: cgroupDriver(facts),
        // Kubernetes 1.35 starts on cgroup v1 only where it is told to; the field is known since 1.31.
        ...(facts.cgroupV1 && facts.version !== undefined && minorOf(facts.version) >= 35
          ? { failCgroupV1: false }
          : {}),
      }
    case 'KubeProxyConfiguration':
      // A host that is not allowed to size its conntrack table would keep kube-proxy from starting.
      return facts.conntrackSysctls ? {} : { conntrack: { maxPerCore: 0, min: 0 } }
  }
}

/** kubelet's name for who makes the cgroups. */
export const cgroupDriver = ({ systemdCgroups }: { readonly systemdCgroups: boolean }) =>
  systemdCgroups ? 'systemd' : 'cgroupfs'

/** `v1.34.4` → 34. */
export const minorOf = (version: string): number => Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 0)

const reserved: Partial<Record<ConfigKind, readonly string[]>> = {
  InitConfiguration: ['bootstrapTokens', 'certificateKey'],
  JoinConfiguration: ['discovery', 'controlPlane.certificateKey'],
}

function refuse(kind: ConfigKind, user: Tree, computed: Tree): void {
  for (const field of reserved[kind] ?? []) {
    if (valueAt(user, field) !== undefined) throw errors.CONFIG_RESERVED({ kind, field })
  }
  const ignored = valueAt(user, 'nodeRegistration.ignorePreflightErrors')
  if (Array.isArray(ignored) && ignored.some((name) => String(name).toLowerCase() === 'all'))
    throw errors.PREFLIGHT_WHOLESALE({ kind })
  const [first] = contradictions(user, computed)
  if (first === undefined) return
  throw errors.CONFIG_CONTRADICTS({
    kind,
    field: first.field,
    wanted: JSON.stringify(first.wanted),
    computed: JSON.stringify(first.computed),
  })
}

/** Names that the API server's certificate holds: all that anybody asked for. */
function withAllNames(kind: ConfigKind, merged: Tree, weaker: Tree): Tree {
  if (kind !== 'ClusterConfiguration' || !isTree(merged.apiServer)) return merged
  const names = [valueAt(merged, 'apiServer.certSANs'), valueAt(weaker, 'apiServer.certSANs')].flatMap(
    (list) => list ?? [],
  )
  return { ...merged, apiServer: { ...merged.apiServer, certSANs: [...new Set(names)] } }
}
