/** One supported version of Kubernetes. */
export interface Release {
  /** E.g. `1.34`. */
  readonly minor: string
  /** E.g. `1.34.4`. */
  readonly version: string
  /** Tag of the pause image that this version's kubeadm asks for (`kubeadm config images list`). */
  readonly pause: string
}

/** Oldest first. */
export const releases: readonly Release[] = [
  { minor: '1.33', version: '1.33.13', pause: '3.10' },
  { minor: '1.34', version: '1.34.4', pause: '3.10.1' },
  { minor: '1.35', version: '1.35.4', pause: '3.10.1' },
]

/** The release that `1.34`, `1.34.4` or `v1.34.4` names. */
export function releaseOf(name: string): Release {
  const plain = name.replace(/^v/, '')
  const release = releases.find(({ minor, version }) => plain === minor || plain === version)
  if (release === undefined) {
    throw new Error(
      `There is no recipe for Kubernetes ${name}. Known: ${releases.map(({ version }) => version).join(', ')}.`,
    )
  }
  return release
}
