import type { ImageRule } from '../../manifests/image-rules.ts'

const tidb = (component: string) => ({
  each: `spec.${component}`,
  first: ['image', `{baseImage|"pingcap/${component}"}:{version|/spec.version}`],
})
const versioned = (component: string) => ({ each: `spec.${component}`, first: ['image', '{baseImage}:{version}'] })
/** An image in pieces, of which the operator fills in those that are missing: with some alone there is no name. */
const k8ssandra = (path: string) => ({
  each: path,
  first: ['{registry|"docker.io"}/{repository}/{name}:{tag}', '{registry}/{name}:{tag}'],
})

export const databaseRules: readonly ImageRule[] = [
  {
    group: 'postgresql.cnpg.io',
    kinds: ['Cluster'],
    images: ['spec.imageName', 'spec.postgresql.extensions.*.image.reference'],
  },
  { group: 'postgresql.cnpg.io', kinds: ['ImageCatalog', 'ClusterImageCatalog'], images: ['spec.images.*.image'] },
  {
    group: 'acid.zalan.do',
    kinds: ['postgresql'],
    images: [
      'spec.dockerImage',
      'spec.connectionPooler.dockerImage',
      'spec.sidecars.*.image',
      'spec.initContainers.*.image',
    ],
  },
  {
    group: 'acid.zalan.do',
    kinds: ['OperatorConfiguration'],
    images: [
      'configuration.docker_image',
      'configuration.connection_pooler.connection_pooler_image',
      'configuration.logical_backup.logical_backup_docker_image',
      'configuration.sidecars.*.image',
      'configuration.sidecar_docker_images.*',
    ],
  },
  {
    group: '',
    kinds: ['ConfigMap'],
    names: ['*postgres-operator*'],
    images: ['data.docker_image', 'data.connection_pooler_image', 'data.logical_backup_docker_image'],
  },
  {
    group: 'postgres-operator.crunchydata.com',
    images: [
      'spec.image',
      'spec.backups.pgbackrest.image',
      'spec.proxy.pgBouncer.image',
      'spec.monitoring.pgmonitor.exporter.image',
      'spec.userInterface.pgAdmin.image',
    ],
  },
  {
    group: 'pxc.percona.com',
    images: [
      'spec.pxc.image',
      'spec.haproxy.image',
      'spec.proxysql.image',
      'spec.logcollector.image',
      'spec.pmm.image',
      'spec.backup.image',
      'spec.initContainer.image',
      'spec.initImage',
    ],
  },
  {
    group: 'ps.percona.com',
    images: [
      'spec.mysql.image',
      'spec.proxy.*.image',
      'spec.orchestrator.image',
      'spec.backup.image',
      'spec.toolkit.image',
      'spec.pmm.image',
      'spec.*.initImage',
    ],
  },
  {
    group: 'psmdb.percona.com',
    images: ['spec.image', 'spec.backup.image', 'spec.pmm.image', 'spec.initImage', 'spec.logcollector.image'],
  },
  {
    group: 'pgv2.percona.com',
    images: [
      'spec.image',
      'spec.proxy.pgBouncer.image',
      'spec.backups.pgbackrest.image',
      'spec.pmm.image',
      'spec.extensions.image',
    ],
  },
  {
    group: 'redis.redis.opstreelabs.in',
    images: [
      'spec.kubernetesConfig.image',
      'spec.redisExporter.image',
      'spec.initContainer.image',
      'spec.sidecars.*.image',
    ],
  },
  {
    group: 'databases.spotahome.com',
    images: ['spec.redis.image', 'spec.sentinel.image', 'spec.redis.exporter.image', 'spec.sentinel.exporter.image'],
  },
  {
    group: 'app.redislabs.com',
    images: [
      { each: 'spec.redisEnterpriseImageSpec', first: ['{repository}:{versionTag}'] },
      { each: 'spec.redisEnterpriseServicesRiggerImageSpec', first: ['{repository}:{versionTag}'] },
      { each: 'spec.bootstrapperImageSpec', first: ['{repository}:{versionTag}'] },
    ],
  },
  {
    group: 'k8ssandra.io',
    images: [
      'spec.cassandra.serverImage',
      'spec.cassandra.datacenters.*.serverImage',
      k8ssandra('spec.cassandra.jmxInitContainerImage'),
      k8ssandra('spec.stargate.containerImage'),
      k8ssandra('spec.cassandra.datacenters.*.stargate.containerImage'),
      k8ssandra('spec.reaper.containerImage'),
      k8ssandra('spec.reaper.initContainerImage'),
      k8ssandra('spec.medusa.containerImage'),
    ],
    ignore: [
      'spec.cassandra.jmxInitContainerImage',
      'spec.stargate.containerImage',
      'spec.cassandra.datacenters.*.stargate.containerImage',
      'spec.reaper.containerImage',
      'spec.reaper.initContainerImage',
      'spec.medusa.containerImage',
    ],
  },
  { group: 'stargate.k8ssandra.io', images: [k8ssandra('spec.containerImage')] },
  { group: 'reaper.k8ssandra.io', images: [k8ssandra('spec.containerImage'), k8ssandra('spec.initContainerImage')] },
  {
    group: 'cassandra.datastax.com',
    kinds: ['CassandraDatacenter'],
    images: ['spec.serverImage', 'spec.configBuilderImage', 'spec.systemLoggerImage'],
  },
  {
    group: 'scylla.scylladb.com',
    kinds: ['ScyllaCluster'],
    images: [
      '{spec.repository|"scylladb/scylla"}:{spec.version}',
      '{spec.agentRepository|"scylladb/scylla-manager-agent"}:{spec.agentVersion}',
    ],
    ignore: ['spec.repository'],
  },
  {
    group: 'scylla.scylladb.com',
    kinds: ['ScyllaDBDatacenter', 'ScyllaDBCluster'],
    images: ['spec.scyllaDB.image', 'spec.scyllaDBManagerAgent.image'],
  },
  {
    group: 'pingcap.com',
    kinds: ['TidbCluster'],
    images: [
      ...['pd', 'tidb', 'tikv', 'tiflash', 'ticdc', 'tiproxy'].map(tidb),
      { each: 'spec.pump', first: ['image', '{baseImage|"pingcap/tidb-binlog"}:{version|/spec.version}'] },
      { each: 'spec.helper', first: ['image'] },
      'spec.discovery.image',
      'spec.tidb.slowLogTailer.image',
      'spec.tiflash.initializer.image',
    ],
  },
  {
    group: 'pingcap.com',
    kinds: ['TidbMonitor'],
    images: [...['prometheus', 'grafana', 'initializer', 'reloader', 'prometheusReloader', 'thanos'].map(versioned)],
  },
  { group: 'pingcap.com', kinds: ['TidbDashboard', 'TidbNGMonitoring'], images: ['{spec.baseImage}:{spec.version}'] },
  {
    group: 'planetscale.com',
    kinds: ['VitessCluster'],
    images: ['spec.images.*', 'spec.images.mysqld.*'],
    ignore: ['spec.images'],
  },
  {
    group: 'mysql.oracle.com',
    kinds: ['InnoDBCluster'],
    images: [
      '{spec.imageRepository|"container-registry.oracle.com/mysql"}/community-server:{spec.version}',
      '{spec.imageRepository|"container-registry.oracle.com/mysql"}/community-router:{spec.router.version|spec.version}',
    ],
  },
  {
    group: 'k8s.mariadb.com',
    images: [
      'spec.image',
      'spec.maxScale.image',
      'spec.metrics.exporter.image',
      'spec.galera.agent.image',
      'spec.galera.initContainer.image',
      'spec.maxScale.metrics.exporter.image',
    ],
  },
  {
    group: 'solr.apache.org',
    images: ['spec.solrImage', 'spec.busyBoxImage', 'spec.image', 'spec.zookeeperRef.provided.image'],
  },
  { group: 'zookeeper.pravega.io', images: ['spec.image'] },
  { group: 'druid.apache.org', images: ['spec.image', 'spec.nodes.*.image'] },
  {
    group: 'hazelcast.com',
    kinds: ['Hazelcast'],
    images: ['{spec.repository|"docker.io/hazelcast/hazelcast-enterprise"}:{spec.version}', 'spec.agent.image'],
  },
  {
    group: 'hazelcast.com',
    kinds: ['ManagementCenter'],
    images: ['{spec.repository|"docker.io/hazelcast/management-center"}:{spec.version}'],
  },
  {
    group: 'opensearch.opster.io',
    images: [
      { first: ['spec.general.image', 'docker.io/opensearchproject/opensearch:{spec.general.version}'] },
      {
        first: ['spec.dashboards.image', 'docker.io/opensearchproject/opensearch-dashboards:{spec.dashboards.version}'],
      },
      'spec.initHelper.image',
    ],
  },
  { group: 'etcd.database.coreos.com', images: ['{spec.repository|"quay.io/coreos/etcd"}:v{spec.version}'] },
  { group: 'yugabyte.com', images: ['spec.image'] },
  { group: 'database.arangodb.com', images: ['spec.image', 'spec.metrics.image', 'spec.lifecycle.image'] },
  { group: 'couchbase.com', images: ['spec.image', 'spec.backup.image', 'spec.monitoring.prometheus.image'] },
  { group: 'dragonflydb.io', images: ['spec.image'] },
]
