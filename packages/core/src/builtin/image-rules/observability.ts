import type { ImageRule } from '../../manifests/image-rules.ts'

/** The flag of a program that is told which image to start. */
const flag = (name: string) => ({ each: 'spec.template.spec.containers.*', first: ['args'], after: name })

export const observabilityRules: readonly ImageRule[] = [
  {
    group: 'monitoring.coreos.com',
    kinds: ['Prometheus', 'PrometheusAgent', 'Alertmanager', 'ThanosRuler'],
    images: [
      {
        first: [
          'spec.image',
          '{spec.baseImage}@sha256:{spec.sha}',
          '{spec.baseImage}:{spec.tag}',
          '{spec.baseImage}:{spec.version}',
        ],
      },
      {
        first: [
          'spec.thanos.image',
          '{spec.thanos.baseImage}@sha256:{spec.thanos.sha}',
          '{spec.thanos.baseImage}:{spec.thanos.tag}',
          '{spec.thanos.baseImage}:{spec.thanos.version}',
        ],
      },
    ],
    ignore: ['spec.baseImage', 'spec.thanos.baseImage'],
  },
  { group: 'monitoring.coreos.com', kinds: ['PrometheusRule', 'AlertmanagerConfig'], ignore: [''] },
  { group: 'apps', kinds: ['Deployment'], images: [flag('--prometheus-config-reloader')] },
  {
    group: 'opentelemetry.io',
    kinds: ['Instrumentation'],
    images: ['spec.*.image'],
  },
  {
    group: 'opentelemetry.io',
    kinds: ['OpenTelemetryCollector', 'OpAMPBridge', 'TargetAllocator'],
    images: ['spec.image', 'spec.targetAllocator.image'],
    ignore: ['spec.config'],
  },
  { group: 'jaegertracing.io', images: ['spec.*.image', 'spec.storage.*.image'] },
  {
    group: 'grafana.integreatly.org',
    kinds: ['Grafana'],
    images: [{ first: ['spec.deployment.spec.template.spec.containers.*.image'] }],
  },
  { group: 'grafana.integreatly.org', kinds: ['GrafanaDashboard', 'GrafanaAlertRuleGroup'], ignore: [''] },
  {
    group: 'operator.victoriametrics.com',
    images: [
      'spec.image',
      'spec.vmselect.image',
      'spec.vminsert.image',
      'spec.vmstorage.image',
      'spec.vmBackup.image',
      'spec.vmstorage.vmBackup.image',
    ],
  },
  {
    group: 'logging.banzaicloud.io',
    images: [
      'spec.fluentd.image',
      'spec.fluentbit.image',
      'spec.syslogNG.syslogNGImage',
      'spec.syslogNG.configReloadImage',
    ],
  },
  ...elastic('elasticsearch.k8s.elastic.co', 'Elasticsearch', 'elasticsearch/elasticsearch'),
  ...elastic('kibana.k8s.elastic.co', 'Kibana', 'kibana/kibana'),
  ...elastic('apm.k8s.elastic.co', 'ApmServer', 'apm/apm-server'),
  ...elastic('enterprisesearch.k8s.elastic.co', 'EnterpriseSearch', 'enterprise-search/enterprise-search'),
  ...elastic('beat.k8s.elastic.co', 'Beat', 'beats/{spec.type}'),
  {
    group: 'agent.k8s.elastic.co',
    images: [
      {
        first: [
          'spec.image',
          'docker.elastic.co/beats/elastic-agent:{spec.version~7.*|spec.version~8.*}',
          'docker.elastic.co/elastic-agent/elastic-agent:{spec.version}',
        ],
      },
    ],
    ignore: ['spec.config'],
  },
  ...elastic('logstash.k8s.elastic.co', 'Logstash', 'logstash/logstash'),
]

/** The operator of Elastic makes a name out of the version, unless one is given. */
function elastic(group: string, kind: string, path: string): ImageRule[] {
  return [
    {
      group,
      kinds: [kind],
      images: [{ first: ['spec.image', `docker.elastic.co/${path}:{spec.version}`] }],
      ignore: ['spec.config'],
    },
  ]
}
