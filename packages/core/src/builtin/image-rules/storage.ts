import type { ImageRule } from '../../manifests/image-rules.ts'

const csi = ['CEPH', 'REGISTRAR', 'RESIZER', 'PROVISIONER', 'SNAPSHOTTER', 'ATTACHER'].map(
  (part) => `data.ROOK_CSI_${part}_IMAGE`,
)
/** Programs of Longhorn are told by flags which images to start. */
const longhorn = [
  'engine',
  'instance-manager',
  'share-manager',
  'backing-image-manager',
  'support-bundle-manager',
  'manager',
].map((part) => ({ each: 'spec.template.spec.containers.*', first: ['command'], after: `--${part}-image` }))

export const storageRules: readonly ImageRule[] = [
  { group: 'ceph.rook.io', kinds: ['CephCluster'], images: ['spec.cephVersion.image'] },
  {
    group: '',
    kinds: ['ConfigMap'],
    names: ['rook-ceph-operator-config'],
    images: [...csi, 'data.ROOK_CSIADDONS_IMAGE'],
  },
  {
    group: 'minio.min.io',
    kinds: ['Tenant'],
    images: [
      'spec.image',
      'spec.kes.image',
      'spec.console.image',
      'spec.initContainerImage',
      'spec.sideCars.containers.*.image',
      'spec.log.image',
      'spec.prometheus.image',
    ],
  },
  { group: 'apps', kinds: ['DaemonSet'], names: ['longhorn-manager'], images: longhorn },
  { group: 'longhorn.io', kinds: ['Setting'], names: ['*-image'], images: ['value'] },
  { group: 'longhorn.io', kinds: ['EngineImage', 'InstanceManager', 'Engine', 'Replica'], images: ['spec.image'] },
  {
    group: 'data.fluid.io',
    images: [
      { each: 'spec.*', first: ['{image}:{imageTag}'] },
      { each: 'spec', first: ['{image}:{imageTag}'] },
    ],
  },
  {
    group: 'core.libopenstorage.org',
    images: ['spec.image', 'spec.stork.image', 'spec.autopilot.image', 'spec.userInterface.image'],
  },
  { group: 'seaweed.seaweedfs.com', images: ['spec.image'] },
]
