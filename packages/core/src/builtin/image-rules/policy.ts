import type { ImageRule } from '../../manifests/image-rules.ts'

/** Objects that speak of images and run none: policies, reports, machines, clouds, files of other tools. */
const none = (group: string, ...kinds: string[]): ImageRule =>
  kinds.length === 0 ? { group, ignore: [''] } : { group, kinds, ignore: [''] }

/** What a rule of Kyverno compares with; what it makes (`mutate`, `generate`) is read. */
const comparisons = ['match', 'exclude', 'context', 'preconditions', 'validate', 'verifyImages', 'imageExtractors']

export const policyRules: readonly ImageRule[] = [
  {
    group: 'kyverno.io',
    kinds: ['ClusterPolicy', 'Policy'],
    ignore: [...comparisons.map((part) => `spec.rules.*.${part}`), 'spec.rules.*.mutate.targets'],
  },
  none('kyverno.io', 'PolicyException', 'CleanupPolicy', 'ClusterCleanupPolicy', 'UpdateRequest'),
  none('policies.kyverno.io'),
  none('reports.kyverno.io'),
  none('wgpolicyk8s.io'),
  none('constraints.gatekeeper.sh'),
  none('templates.gatekeeper.sh'),
  none('mutations.gatekeeper.sh', 'AssignImage', 'AssignMetadata', 'ModifySet'),
  none('config.gatekeeper.sh'),
  none('policy.sigstore.dev'),
  none('aquasecurity.github.io'),
  none('spdx.softwarecomposition.kubescape.io'),
  none('image.toolkit.fluxcd.io'),
  none('argocd-image-updater.argoproj.io'),
  none('config.openshift.io'),
  none('operator.openshift.io', 'ImageContentSourcePolicy'),
  none('machineconfiguration.openshift.io'),
  none('machine.openshift.io'),
  none('infrastructure.cluster.x-k8s.io'),
  none('bootstrap.cluster.x-k8s.io'),
  none('controlplane.cluster.x-k8s.io'),
  none('cluster.x-k8s.io'),
  none('metal3.io'),
  none('karpenter.k8s.aws'),
  none('karpenter.azure.com'),
  none('*.cnrm.cloud.google.com'),
  none('*.services.k8s.aws'),
  none('*.aws.upbound.io'),
  none('*.azure.upbound.io'),
  none('*.gcp.upbound.io'),
  none('harvesterhci.io', 'VirtualMachineImage'),
  none('kustomize.config.k8s.io'),
  none('skaffold'),
  none('kind.x-k8s.io'),
  none('k3d.io'),
  none('ctlptl.dev'),
  none('kubelet.config.k8s.io'),
  none('audit.k8s.io'),
  none('networking.istio.io'),
  none('keda.sh'),
]
