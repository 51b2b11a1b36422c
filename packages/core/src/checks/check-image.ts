import type { ClusterConfig } from '../image/cluster-config.ts'
import type { Runtime } from '../runtime.ts'
import type { CheckResult } from '../sealer.ts'

/** The problem of an image that brings apps alone, where a runtime makes the cluster out of what the image brings. */
export function cannotInstall(
  image: string,
  { type }: Pick<ClusterConfig, 'type'>,
  { delivery }: Pick<Runtime, 'delivery'>,
): readonly CheckResult[] {
  if (type !== 'app-installer' || delivery !== 'hosts') return []
  return [
    {
      id: 'image-installs',
      ok: false,
      message: `${image} brings apps, and nothing that a cluster could be made of`,
      remedy: `Put it on a base image: sealer merge BASE ${image} -t NAME, or build upon one: FROM BASE.`,
    },
  ]
}
