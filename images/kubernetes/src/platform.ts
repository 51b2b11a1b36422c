/** A processor architecture by its name in OCI, Go and Debian, which agree on these two. */
export type Arch = 'amd64' | 'arm64'

/** Name of the architecture in GNU triplets and Debian's library folders. */
export const triplets: Readonly<Record<Arch, string>> = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** The architecture of this machine. */
export function ownArch(): Arch {
  if (process.arch === 'x64') return 'amd64'
  if (process.arch === 'arm64') return 'arm64'
  throw new Error(`Base images are built on x86-64 or ARM64 machines, not on ${process.arch}.`)
}

/** `linux/amd64,linux/arm64` as architectures, in the order given, each once. */
export function parsePlatforms(list: string): Arch[] {
  const archs = list.split(',').map((platform) => {
    const arch = platform.trim().replace(/^linux\//, '')
    if (arch !== 'amd64' && arch !== 'arm64')
      throw new Error(`Unknown platform ${platform}. Known: linux/amd64, linux/arm64.`)
    return arch
  })
  return [...new Set(archs)]
}
