import type { ImageRule } from '../../manifests/image-rules.ts'

const steps = ['steps.*.image', 'sidecars.*.image', 'stepTemplate.image']
const under = (...places: string[]) => places.flatMap((place) => steps.map((step) => `${place}.${step}`))
const ofArgo = (place: string) => [
  `${place}templates.*.container.image`,
  `${place}templates.*.script.image`,
  `${place}templates.*.sidecars.*.image`,
  `${place}templates.*.initContainers.*.image`,
  `${place}templateDefaults.container.image`,
  `${place}templateDefaults.script.image`,
]
/** An image whose tag stands beside it, as the operator of Argo CD has them. */
const beside = (part: string) => `{spec.${part}image}:{spec.${part}version}`
const argoCd = [
  '',
  'dex.',
  'redis.',
  'repo.',
  'grafana.',
  'applicationSet.',
  'notifications.',
  'keycloak.',
  'sso.keycloak.',
  'sso.dex.',
]

export const deliveryRules: readonly ImageRule[] = [
  { group: 'argoproj.io', kinds: ['Workflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate'], images: ofArgo('spec.') },
  { group: 'argoproj.io', kinds: ['CronWorkflow'], images: ofArgo('spec.workflowSpec.') },
  {
    group: 'argoproj.io',
    kinds: ['ArgoCD'],
    images: [...argoCd.map(beside), '{spec.ha.redisProxyImage}:{spec.ha.redisProxyVersion}'],
    ignore: [...argoCd.map((part) => `spec.${part}image`), 'spec.ha.redisProxyImage', 'spec.extraConfig'],
  },
  { group: 'argoproj.io', kinds: ['Application', 'ApplicationSet', 'AppProject'], ignore: [''] },
  { group: 'argoproj.io', kinds: ['Sensor', 'EventSource'], images: ['spec.template.container.image'] },
  { group: 'tekton.dev', kinds: ['Task', 'ClusterTask'], images: under('spec') },
  { group: 'tekton.dev', kinds: ['StepAction'], images: ['spec.image'] },
  { group: 'tekton.dev', kinds: ['TaskRun'], images: under('spec.taskSpec') },
  { group: 'tekton.dev', kinds: ['Pipeline'], images: under('spec.tasks.*.taskSpec', 'spec.finally.*.taskSpec') },
  {
    group: 'tekton.dev',
    kinds: ['PipelineRun'],
    images: under('spec.pipelineSpec.tasks.*.taskSpec', 'spec.pipelineSpec.finally.*.taskSpec'),
  },
  {
    group: 'shipwright.io',
    images: ['spec.steps.*.image', 'spec.buildSteps.*.image', 'spec.builder.image'],
    ignore: ['spec.output', 'spec.build.spec.output'],
  },
  { group: 'kpack.io', images: ['spec.buildImage.image', 'spec.runImage.image', 'spec.sources.*.image'] },
  {
    group: 'actions.summerwind.dev',
    images: ['spec.template.spec.image', 'spec.template.spec.dockerdImage', 'spec.image', 'spec.dockerImage'],
  },
  { group: 'apps.gitlab.com', kinds: ['Runner'], images: ['spec.runnerImage', 'spec.helperImage', 'spec.buildImage'] },
  { group: 'camel.apache.org', kinds: ['IntegrationKit'], images: ['spec.image'] },
  { group: 'camel.apache.org', kinds: ['IntegrationPlatform'], images: ['spec.build.baseImage'] },
  { group: 'camel.apache.org', kinds: ['Integration'], images: ['spec.traits.container.image'] },
  { group: 'pkg.crossplane.io', images: ['spec.package', 'spec.image'] },
  { group: 'operators.coreos.com', kinds: ['CatalogSource'], images: ['spec.image'] },
  {
    group: 'operators.coreos.com',
    kinds: ['ClusterServiceVersion'],
    images: ['spec.relatedImages.*.image'],
    ignore: ['spec.customresourcedefinitions', 'spec.apiservicedefinitions', 'spec.description', 'spec.icon'],
  },
  {
    group: 'image.openshift.io',
    kinds: ['ImageStream'],
    images: ['spec.tags.*[kind=DockerImage].name'],
  },
  {
    group: 'build.openshift.io',
    kinds: ['BuildConfig'],
    images: ['spec.strategy.*[kind=DockerImage].name', 'spec.source.images.*[kind=DockerImage].name'],
    ignore: ['spec.output'],
  },
  {
    group: 'upgrade.cattle.io',
    kinds: ['Plan'],
    images: ['spec.prepare.image', { first: ['{spec.upgrade.image}:{spec.version}', 'spec.upgrade.image'] }],
  },
  {
    group: 'awx.ansible.com',
    images: [
      '{spec.image}:{spec.image_version}',
      '{spec.init_container_image}:{spec.init_container_image_version}',
      '{spec.redis_image}:{spec.redis_image_version}',
      '{spec.postgres_image}:{spec.postgres_image_version}',
      'spec.ee_images.*.image',
      'spec.control_plane_ee_image',
    ],
    ignore: ['spec.image', 'spec.init_container_image', 'spec.redis_image', 'spec.postgres_image'],
  },
  {
    group: 'k8s.keycloak.org',
    images: ['spec.image'],
    ignore: ['spec.realm'],
  },
]
