import { loadAll } from 'js-yaml'
import { configFile } from './documents.ts'
import { isTree, mergeTrees, type Tree, valueAt } from './trees.ts'

/** Seconds between two questions to CoreDNS whether it is ready. */
const askedEvery = 2

/**
 * The objects that kubeadm makes for CoreDNS, asked for readiness more often than every 10 s: a kubelet that has just started waits for a random part
 * of that time before it asks for the first time, and the cluster with it.
 */
export function dnsManifest(printed: string): string {
  return configFile(...loadAll(printed).filter(isTree).map(settled))
}

function settled(object: Tree): Tree {
  const { metadata, spec } = object
  if (object.kind === 'Deployment' && isTree(spec) && isTree(spec.template)) {
    const containers = valueAt(spec, 'template.spec.containers')
    if (!Array.isArray(containers)) return object
    const eager = containers.map((one) => (isTree(one) && isTree(one.readinessProbe) ? withProbe(one) : one))
    return mergeTrees(object, { spec: { template: { spec: { containers: eager } } } })
  }
  if (!isTree(metadata)) return object
  // kubeadm prints the Service for an update; a new one has no version yet.
  const { resourceVersion: _, ...rest } = metadata
  return { ...object, metadata: rest }
}

const withProbe = (container: Tree): Tree => mergeTrees(container, { readinessProbe: { periodSeconds: askedEvery } })
