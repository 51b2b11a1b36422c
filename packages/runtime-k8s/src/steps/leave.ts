import { dirname } from 'node:path'
import type { KnownHost, RuntimeContext, Step } from '@sealer/core'
import { foundFile, readFound } from '../found.ts'
import { unmarkJoined } from '../membership.ts'
import { removeLinks } from '../teardown/links.ts'
import { removeFiles } from '../teardown/remove-files.ts'
import { removeRules } from '../teardown/remove-rules.ts'
import { stopContainerd, stopPods } from '../teardown/stop.ts'
import { unmountBelow } from '../teardown/unmount.ts'

/**
 * Takes the cluster off a host and leaves it as it was found. Hosts do not wait for each other: of a cluster that goes as a whole nobody has to
 * take leave, and a host that fails must not hold up the rest.
 */
export const leave = (host: KnownHost, context: RuntimeContext): Step => {
  const folder = dirname(context.rootfs)
  const bin = `${context.rootfs}/bin`
  return {
    id: `leave/${host.view.name}`,
    title: 'Take the cluster off the host',
    host: host.view,
    after: [],
    skip: async () => ((await host.view.has(foundFile(folder))) ? undefined : 'nothing of the cluster is there'),
    do: async ({ host: target, signal }) => {
      const found = await readFound(target, folder)
      await unmarkJoined(target, folder)
      await stopPods(target, signal)
      await removeRules(target, bin, found)
      await stopContainerd(target, signal)
      await unmountBelow(target, [
        '/var/lib/kubelet/',
        '/run/containerd/',
        '/var/lib/containerd/',
        '/run/netns/cni-',
        '/run/sealer/',
      ])
      await removeLinks(target)
      await removeFiles(target, { cluster: context.wanted.cluster, rootfs: context.rootfs }, found)
      await target.exec('rm', '-f', foundFile(folder))
    },
  }
}
