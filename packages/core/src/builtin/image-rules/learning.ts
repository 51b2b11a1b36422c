import type { ImageRule } from '../../manifests/image-rules.ts'

const spark = [
  'image',
  'driver.image',
  'executor.image',
  'driver.initContainers.*.image',
  'executor.initContainers.*.image',
]
const kserve = ['predictor', 'transformer', 'explainer'].flatMap((part) => [
  `spec.${part}.model.image`,
  `spec.${part}.*.image`,
])

export const learningRules: readonly ImageRule[] = [
  { group: 'sparkoperator.k8s.io', kinds: ['SparkApplication'], images: spark.map((path) => `spec.${path}`) },
  {
    group: 'sparkoperator.k8s.io',
    kinds: ['ScheduledSparkApplication'],
    images: spark.map((path) => `spec.template.${path}`),
  },
  { group: 'flink.apache.org', images: ['spec.image'] },
  {
    group: 'serving.kserve.io',
    kinds: ['InferenceService', 'InferenceGraph'],
    images: [...kserve, { each: 'spec.*.model', first: ['storageUri'], after: 'oci://' }],
  },
  {
    group: '',
    kinds: ['ConfigMap'],
    names: ['inferenceservice-config'],
    images: [
      'data.storageInitializer.image',
      'data.agent.image',
      'data.router.image',
      'data.batcher.image',
      'data.logger.image',
    ],
  },
  {
    group: 'nvidia.com',
    kinds: ['ClusterPolicy'],
    images: [
      { each: 'spec.*', first: ['{repository}/{image}:{version}', '{repository}/{image}'] },
      { each: 'spec.*.manager', first: ['{repository}/{image}:{version}'] },
      { each: 'spec.*.initContainer', first: ['{repository}/{image}:{version}'] },
      { each: 'spec.operator.validator', first: ['{repository}/{image}:{version}'] },
    ],
    ignore: ['spec'],
  },
  {
    group: 'nvidia.com',
    kinds: ['NVIDIADriver'],
    images: [
      '{spec.repository}/{spec.image}:{spec.version}',
      '{spec.manager.repository}/{spec.manager.image}:{spec.manager.version}',
    ],
    ignore: ['spec'],
  },
  {
    group: 'mellanox.com',
    kinds: ['NicClusterPolicy'],
    images: [
      { each: 'spec.*', first: ['{repository}/{image}:{version}'] },
      { each: 'spec.secondaryNetwork.*', first: ['{repository}/{image}:{version}'] },
    ],
    ignore: ['spec'],
  },
  {
    group: 'katib.kubeflow.org',
    kinds: ['KatibConfig'],
    images: ['runtime.*.*.image', 'init.*.image'],
  },
  { group: 'trainer.kubeflow.org', images: ['spec.trainer.image', 'spec.datasetConfig.image'] },
  { group: 'openfaas.com', images: ['spec.image'] },
]
