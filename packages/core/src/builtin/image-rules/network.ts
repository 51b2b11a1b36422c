import type { ImageRule } from '../../manifests/image-rules.ts'

/** A pod template says by annotations which sidecar is put into its pods. */
const annotation = (name: string) => `spec.template.metadata.annotations["${name}"]`
const linkerd = (image: string, version: string) =>
  `{${annotation(`config.linkerd.io/${image}`)}}:{${annotation(`config.linkerd.io/${version}`)}}`

export const networkRules: readonly ImageRule[] = [
  {
    group: 'apps',
    images: [
      annotation('sidecar.istio.io/proxyImage'),
      annotation('dapr.io/sidecar-image'),
      annotation('vault.hashicorp.com/agent-image'),
      linkerd('proxy-image', 'proxy-version'),
      linkerd('init-image', 'init-image-version'),
      linkerd('debug-image', 'debug-image-version'),
    ],
  },
  {
    group: 'install.istio.io',
    kinds: ['IstioOperator'],
    images: ['{spec.hub|"docker.io/istio"}/pilot:{spec.tag}', '{spec.hub|"docker.io/istio"}/proxyv2:{spec.tag}'],
  },
  { group: 'api-gateway.consul.hashicorp.com', images: ['spec.image.*'], ignore: ['spec.image'] },
  { group: 'operator.knative.dev', images: ['spec.registry.override.*'], ignore: ['spec.registry'] },
  { group: 'operator.tigera.io', ignore: ['spec.imagePath', 'spec.imagePrefix'] },
  {
    group: 'gateway.envoyproxy.io',
    kinds: ['EnvoyProxy'],
    images: [
      'spec.provider.kubernetes.envoyDeployment.container.image',
      'spec.provider.kubernetes.envoyDaemonSet.container.image',
    ],
  },
  {
    group: 'gateway.kgateway.dev',
    kinds: ['GatewayParameters'],
    images: [
      'spec.kube.envoyContainer.image',
      'spec.kube.sdsContainer.image',
      'spec.kube.istio.istioProxyContainer.image',
    ],
  },
  { group: 'charts.nginx.org', images: ['spec.controller.image'] },
]
