import semver from 'semver'
import { isRecord } from './is-record.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** Kinds that a cluster has by itself, from which minor version of Kubernetes 1 on. Stable ones: others are off unless switched on. */
const ownKinds: readonly (readonly [version: string, since: number, kinds: string])[] = [
  [
    'v1',
    0,
    'Binding ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount',
  ],
  ['admissionregistration.k8s.io/v1', 16, 'MutatingWebhookConfiguration ValidatingWebhookConfiguration'],
  ['admissionregistration.k8s.io/v1', 30, 'ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding'],
  ['apiextensions.k8s.io/v1', 16, 'CustomResourceDefinition'],
  ['apiregistration.k8s.io/v1', 10, 'APIService'],
  ['apps/v1', 9, 'ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet'],
  ['authentication.k8s.io/v1', 6, 'TokenRequest TokenReview'],
  ['authentication.k8s.io/v1', 28, 'SelfSubjectReview'],
  [
    'authorization.k8s.io/v1',
    6,
    'LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview',
  ],
  ['autoscaling/v1', 2, 'HorizontalPodAutoscaler Scale'],
  ['autoscaling/v2', 23, 'HorizontalPodAutoscaler'],
  ['batch/v1', 2, 'Job'],
  ['batch/v1', 21, 'CronJob'],
  ['certificates.k8s.io/v1', 19, 'CertificateSigningRequest'],
  ['coordination.k8s.io/v1', 14, 'Lease'],
  ['discovery.k8s.io/v1', 21, 'EndpointSlice'],
  ['events.k8s.io/v1', 19, 'Event'],
  ['flowcontrol.apiserver.k8s.io/v1', 29, 'FlowSchema PriorityLevelConfiguration'],
  ['networking.k8s.io/v1', 19, 'Ingress IngressClass NetworkPolicy'],
  ['networking.k8s.io/v1', 33, 'IPAddress ServiceCIDR'],
  ['node.k8s.io/v1', 20, 'RuntimeClass'],
  ['policy/v1', 21, 'Eviction PodDisruptionBudget'],
  ['rbac.authorization.k8s.io/v1', 8, 'ClusterRole ClusterRoleBinding Role RoleBinding'],
  ['resource.k8s.io/v1', 34, 'DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice'],
  ['scheduling.k8s.io/v1', 14, 'PriorityClass'],
  ['storage.k8s.io/v1', 6, 'CSIDriver CSINode StorageClass VolumeAttachment'],
  ['storage.k8s.io/v1', 24, 'CSIStorageCapacity'],
  ['storage.k8s.io/v1', 34, 'VolumeAttributesClass'],
]

/**
 * What a cluster of this version serves by itself, as charts ask for it: `policy/v1` and `policy/v1/PodDisruptionBudget`. helm knows the
 * versions without a cluster and not the kinds. Nothing for a version that is none.
 */
export function ownApiVersions(kubernetes: string | undefined): string[] {
  const minor = semver.coerce(kubernetes)?.minor
  if (minor === undefined) return []
  const served = ownKinds.filter(([, since]) => since <= minor)
  return unique(served.flatMap(([version, , kinds]) => withKinds(version, kinds.split(' '))))
}

/** What the definitions of custom resources among these manifests bring: `monitoring.coreos.com/v1` and each kind of it. */
export function definedApiVersions(manifests: string): string[] {
  if (!/^kind: *["']?CustomResourceDefinition/m.test(manifests)) return []
  try {
    return unique(yamlDocuments(manifests).flatMap(({ value }) => definedBy(value)))
  } catch (error) {
    if (error instanceof YamlProblem) return []
    throw error
  }
}

function definedBy(value: unknown): string[] {
  if (!isRecord(value) || value.kind !== 'CustomResourceDefinition' || !isRecord(value.spec)) return []
  const { group, names, versions, version } = value.spec
  const kind = isRecord(names) ? names.kind : undefined
  if (typeof group !== 'string' || typeof kind !== 'string') return []
  const all = Array.isArray(versions) ? versions.filter((one) => isRecord(one) && one.served !== false) : []
  const served = all.flatMap((one) => (typeof one.name === 'string' ? [one.name] : []))
  const old = typeof version === 'string' && served.length === 0 ? [version] : []
  return [...served, ...old].flatMap((one) => withKinds(`${group}/${one}`, [kind]))
}

const withKinds = (version: string, kinds: readonly string[]): string[] => [
  version,
  ...kinds.map((kind) => `${version}/${kind}`),
]

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]
