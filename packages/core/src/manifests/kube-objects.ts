/** What an object of Kubernetes says it is. */
export interface Identity {
  /** API group; `''` for the core. */
  readonly group: string
  readonly kind: string
  readonly name: string
}

/** API groups that Kubernetes itself serves; it names images in containers and volumes alone. */
const ownGroups = new Set([
  '',
  'apps',
  'batch',
  'extensions',
  'autoscaling',
  'policy',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
])

/** Undefined for what is no object: it has no kind, or refers to one elsewhere. */
export function identityOf(value: unknown): Identity | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { apiVersion, kind, metadata } = value as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined
  const name = (metadata as { readonly name?: unknown } | null | undefined)?.name
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  return { group, kind, name: typeof name === 'string' ? name : '' }
}

export const isKubernetesOwn = ({ group }: Identity): boolean => ownGroups.has(group)
