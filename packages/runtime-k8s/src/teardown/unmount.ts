import type { Host } from '@sealer/core'

/** Mount points below one of these folders, deepest first. */
export function mountsBelow(mountinfo: string, folders: readonly string[]): readonly string[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => folders.some((folder) => path.startsWith(folder)))
    .reverse()
}

/** Unmounts everything below the folders; a folder that is a mount of its own stays. */
export async function unmountBelow(host: Host, folders: readonly string[]): Promise<void> {
  const mounts = mountsBelow((await host.read('/proc/self/mountinfo')) ?? '', folders)
  // Lazily: what a dying process still holds must not stop us.
  for (const some of chunks(mounts, 50)) await host.run({ argv: ['umount', '-l', '--', ...some], accept: [0, 1, 32] })
}

function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}
