import type { ImageRule } from '../../manifests/image-rules.ts'

const disks = (spec: string) => [
  `${spec}.volumes.*.containerDisk.image`,
  `${spec}.domain.firmware.kernelBoot.container.image`,
]
/** What a disk is filled from: `docker://quay.io/x/fedora:40`. */
const imported = (source: string) => ({ first: [`${source}.registry.url`], after: 'docker://' })

export const clusterRules: readonly ImageRule[] = [
  {
    group: 'apps',
    kinds: ['Deployment'],
    images: [{ each: 'spec.template.spec.containers.*', first: ['args'], after: '--acme-http01-solver-image' }],
  },
  {
    group: 'kubevirt.io',
    kinds: ['VirtualMachine', 'VirtualMachineInstanceReplicaSet'],
    images: [...disks('spec.template.spec'), imported('spec.dataVolumeTemplates.*.spec.source')],
  },
  { group: 'kubevirt.io', kinds: ['VirtualMachineInstance'], images: disks('spec') },
  {
    group: 'pool.kubevirt.io',
    kinds: ['VirtualMachinePool'],
    images: disks('spec.virtualMachineTemplate.spec.template.spec'),
  },
  { group: 'cdi.kubevirt.io', kinds: ['DataVolume', 'VolumeImportSource'], images: [imported('spec.source')] },
  { group: 'cdi.kubevirt.io', kinds: ['DataImportCron'], images: [imported('spec.template.spec.source')] },
  { group: 'policies.kubewarden.io', kinds: ['PolicyServer'], images: ['spec.image'] },
  {
    group: 'storage.dell.com',
    images: ['spec.driver.common.image', 'spec.driver.sideCars.*.image', 'spec.modules.*.components.*.image'],
  },
]
