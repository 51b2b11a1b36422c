import { defineErrors } from '@sealer/core'

/** Errors of this runtime. */
export const errors = defineErrors('runtime-k8s', {
  NO_MASTER: {
    message: (d: { cluster: string }) => `The cluster ${d.cluster} has no host with the role master.`,
    hint: () => 'Name at least one: --masters ADDRESS, or roles: [master] in the Clusterfile.',
  },
  CONFIG_CONTRADICTS: {
    message: (d: { kind: string; field: string; wanted: string; computed: string }) =>
      `${d.kind} of the Clusterfile says ${d.field}: ${d.wanted}, but this cluster needs ${d.computed}.`,
    hint: (d) =>
      `Take ${d.field} out of the document; sealer works it out from the image, the hosts and the list of hosts.`,
  },
  CONFIG_RESERVED: {
    message: (d: { kind: string; field: string }) =>
      `${d.kind} of the Clusterfile sets ${d.field}, which sealer makes anew for each run.`,
    hint: (d) => `Take ${d.field} out of the document: it is a short-lived secret, and has no place in a file.`,
  },
  CONFIG_UNREADABLE: {
    message: (d: { file: string; reason: string }) => `${d.file} of the image cannot be read: ${d.reason}`,
    hint: () =>
      'Each document in it needs apiVersion and kind, as kubeadm reads them. Mend the file and build the image again.',
  },
  PREFLIGHT_WHOLESALE: {
    message: (d: { kind: string }) => `${d.kind} of the Clusterfile tells kubeadm to ignore all preflight errors.`,
    hint: () => 'Name the checks to ignore one by one; each of them is there for a reason.',
  },
  SUBNETS_OVERLAP: {
    message: (d: { one: string; other: string }) => `${d.one} and ${d.other} overlap.`,
    hint: () =>
      'Choose others: networking.podSubnet and networking.serviceSubnet of a ClusterConfiguration in the Clusterfile.',
  },
  POD_SUBNET_FIXED: {
    message: (d: { image: string; made: string; wanted: string }) =>
      `The pod network of ${d.image} is made for ${d.made}, but this cluster wants the pod subnet ${d.wanted}.`,
    hint: (d) =>
      `Leave the pod subnet at ${d.made}, or build an image on this one whose CNI app knows yours: docs/guides/kubernetes.md, "Another pod subnet".`,
  },
  SUBNET_INVALID: {
    message: (d: { field: string; value: string }) => `${d.field}: "${d.value}" is not a subnet.`,
    hint: () => 'Write it as 10.244.0.0/16; two with a comma between them for both families.',
  },
  TAINT_INVALID: {
    message: (d: { host: string; taint: string }) => `The taint "${d.taint}" of ${d.host} is not understood.`,
    hint: () => 'Write key=value:Effect or key:Effect, with the effect NoSchedule, PreferNoSchedule or NoExecute.',
  },
  VERSION_UNSUPPORTED: {
    message: (d: { version: string }) =>
      `The image holds Kubernetes ${d.version}; this runtime installs 1.31 and newer.`,
    hint: () => 'Use an image with a newer Kubernetes.',
  },
  CONTAINERD_UNFIT: {
    message: (d: { host: string; reason: string }) =>
      `containerd runs on ${d.host}, but cannot serve the kubelet: ${d.reason}`,
    hint: () =>
      '"too many open files" means that the machine is out of inotify instances: raise fs.inotify.max_user_instances. Else see on that host: journalctl -u containerd',
  },
  CLUSTER_SILENT: {
    message: (d: { reason: string }) => `No control plane of the cluster answers: ${d.reason}`,
    hint: () => 'Start at least one master, or take the cluster off its hosts: sealer delete',
  },
  ETCD_NO_QUORUM: {
    message: (d: { host: string; joining: string; reason: string }) =>
      `etcd on ${d.host} has lost its majority${d.reason === '' ? '' : `: ${d.reason}`}`,
    hint: (d) =>
      `A control plane that went down while it joined${d.joining === '' ? '' : ` (${d.joining})`} counts as a member already: start it again, wait a minute, and run the same command. Where it is lost: docs/guides/kubernetes.md, "etcd without a majority".`,
  },
  NODES_NOT_READY: {
    message: (d: { seconds: number; nodes: string }) => `After ${d.seconds} s these nodes are not ready:\n${d.nodes}`,
    hint: () => 'Look closer with: sealer kubectl describe node NAME. A longer wait: --timeout.',
  },
})
