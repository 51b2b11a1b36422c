import { tool } from './run-tool.ts'
import type { Site } from './site.ts'

/** What of a pod the tests look at. */
export interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec: { readonly nodeName: string }
  readonly status: {
    readonly podIP: string
    readonly phase: string
    readonly containerStatuses?: readonly {
      readonly image: string
      readonly imageID: string
      readonly containerID: string
    }[]
  }
}

/** Pods of a cluster, of all namespaces unless the arguments say otherwise. */
export async function podsOf(site: Site, cluster: string, ...args: readonly string[]): Promise<readonly Pod[]> {
  const wanted = args.length === 0 ? ['--all-namespaces'] : args
  return (await site.kubectlJson<{ items: readonly Pod[] }>(cluster, 'get', 'pods', ...wanted)).items
}

/** A pod on every host, also on masters, from an image that the dashboard brings: something to talk to. */
export const probes = (image = 'sealer.example/dashboard/web:1.0') => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'probe', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'probe' } },
    template: {
      metadata: { labels: { app: 'probe' } },
      spec: {
        serviceAccountName: 'dashboard',
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'probe', image, readinessProbe: { httpGet: { path: '/healthz', port: 8080 } } }],
      },
    },
  },
})

/** Runs a shell script of the host inside the network of a pod, with the pod's own resolver: what a program in the pod would reach. */
export async function inPod(site: Site, cluster: string, pod: Pod, script: string): Promise<string> {
  const id = pod.status.containerStatuses?.[0]?.containerID.replace('containerd://', '') ?? ''
  const enter = `
    pid=$("$1" --namespace k8s.io tasks ls | awk -v id="$2" '$1 == id { print $2 }')
    resolver=$(mktemp) && cp "/proc/$pid/root/etc/resolv.conf" "$resolver" || exit 1
    nsenter --target "$pid" --net unshare --mount sh -c 'mount --bind "$1" /etc/resolv.conf && exec bash -c "$2"' sh "$resolver" "$3"
    code=$?; rm -f "$resolver"; exit $code`
  const ctr = `/var/lib/sealer/clusters/${cluster}/rootfs/bin/ctr`
  return await site.sealer('local', 'exec', pod.spec.nodeName, '--', 'sh', '-c', enter, 'sh', ctr, id, script)
}

/** Runs a program of this machine in the network of a cluster of local hosts. */
export async function inNetwork(cluster: string, file: string, ...args: readonly string[]): Promise<string> {
  return await tool('nsenter', `--net=/run/netns/sealer-${cluster}`, '--', file, ...args)
}

/** What an HTTP server in the network of a cluster answers. */
export async function fetched(cluster: string, url: string): Promise<string> {
  return await inNetwork(cluster, 'curl', '--silent', '--show-error', '--fail', '--max-time', '5', url)
}
