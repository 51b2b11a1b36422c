import type { ImageRule } from '../../manifests/image-rules.ts'

export const messagingRules: readonly ImageRule[] = [
  {
    group: 'kafka.strimzi.io',
    images: [
      'spec.image',
      'spec.kafka.image',
      'spec.kafka.brokerRackInitImage',
      'spec.zookeeper.image',
      'spec.entityOperator.topicOperator.image',
      'spec.entityOperator.userOperator.image',
      'spec.entityOperator.tlsSidecar.image',
      'spec.cruiseControl.image',
      'spec.cruiseControl.tlsSidecar.image',
      'spec.kafkaExporter.image',
      'spec.jmxTrans.image',
      'spec.clientRackInitImage',
    ],
    ignore: ['spec.build'], // what is built in the cluster is pushed there
  },
  { group: 'rabbitmq.com', kinds: ['RabbitmqCluster'], images: ['spec.image'] },
  {
    group: 'kafka.banzaicloud.io',
    images: [
      'spec.clusterImage',
      'spec.brokerConfigGroups.*.image',
      'spec.brokers.*.brokerConfig.image',
      'spec.brokerConfigGroups.*.initContainers.*.image',
      'spec.cruiseControlConfig.image',
      'spec.envoyConfig.image',
      'spec.istioIngressConfig.image',
      'spec.monitoringConfig.jmxImage',
    ],
  },
  {
    group: 'nats.io',
    kinds: ['NatsCluster'],
    images: ['{spec.serverImage|"nats"}:{spec.version}', 'spec.pod.reloaderImage'],
    ignore: ['spec.serverImage'],
  },
  { group: 'redpanda.vectorized.io', images: ['{spec.image}:{spec.version}'], ignore: ['spec.image'] },
  { group: 'cluster.redpanda.com', images: ['spec.clusterSpec.image', 'spec.clusterSpec.console.image'] },
  { group: 'nifi.konpyutaika.com', images: ['spec.clusterImage', 'spec.initContainerImage'] },
  { group: 'broker.amq.io', images: ['spec.deploymentPlan.image', 'spec.deploymentPlan.initImage'] },
  { group: 'apps.emqx.io', images: ['spec.image'] },
  { group: 'pulsar.streamnative.io', images: ['spec.image', 'spec.initContainerImage'] },
]
