import type { HostView } from '@sealer/core'

/**
 * Why the kubelet cannot use a containerd that runs; undefined when it can. containerd leaves out what fails when it starts, e.g. for want of
 * inotify instances, and tells only those who ask.
 */
export async function criFailure(host: Pick<HostView, 'inquire'>, bin: string): Promise<string | undefined> {
  const { stdout } = await host.inquire({
    argv: [`${bin}/ctr`, 'plugins', 'ls', '--detailed', 'type==io.containerd.grpc.v1,id==cri'],
    accept: [0, 1, 126, 127],
  })
  return /^\s*Message:\s+(.+)$/m.exec(stdout)?.[1]
}
