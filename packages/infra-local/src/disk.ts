import { mkdir, readFile, rm } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { HostPlaces } from './layout.ts'
import { runProgram } from './run-program.ts'

/** Bytes for disks in memory of a whole cluster: two thirds of the machine's memory, taken as it is written. */
export const memoryDisksSize = (): number => Math.floor((totalmem() * 2) / 3)

export async function makeMemoryDisks(folder: string): Promise<void> {
  await mountMemory(folder, memoryDisksSize())
}

/**
 * Mounts the host's root: what it writes lies above the shared root file system. Folders in which a container runtime makes
 * overlays of its own are plain ones: an overlay cannot be the upper layer of another.
 */
export async function mountRoot(places: HostPlaces, lower: string, bytes?: number): Promise<void> {
  if (bytes !== undefined) await mountMemory(places.disk, bytes)
  const [upper, work, plain] = ['upper', 'work', 'containerd'].map((name) => join(places.disk, name)) as [
    string,
    string,
    string,
  ]
  for (const folder of [upper, work, plain, places.root]) await mkdir(folder, { recursive: true })
  if (await isMounted(places.root)) return
  const options = [`lowerdir=${escaped(lower)}`, `upperdir=${escaped(upper)}`, `workdir=${escaped(work)}`, 'xino=off']
  await runProgram('mount', ['-t', 'overlay', '-o', options.join(','), 'sealer-host', places.root])
}

/** The folder that is bound to /var/lib/containerd of the host. */
export const containerdFolder = (places: HostPlaces): string => join(places.disk, 'containerd')

/** Unmounts everything at and below a folder; what is still in use goes away when it is left. */
export async function unmountAll(folder: string): Promise<void> {
  for (const mount of [...(await mountsBelow(folder))].reverse()) {
    await runProgram('umount', [mount]).catch(async () => await runProgram('umount', ['-l', mount]))
  }
}

/** Unmounts, then removes. Refuses to walk into what is still mounted. */
export async function discard(folder: string): Promise<void> {
  await unmountAll(folder)
  const left = await mountsBelow(folder)
  if (left.length > 0) throw new Error(`${left.join(', ')} is still mounted`)
  await rm(folder, { recursive: true, force: true })
}

async function mountMemory(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (await isMounted(folder)) return
  await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'sealer-disk', folder])
}

const isMounted = async (folder: string): Promise<boolean> => (await mountsBelow(folder)).includes(folder)

/** Mount points at and below a folder, in the order they were made. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((mount) => mount === folder || mount.startsWith(`${folder}/`))
}

/** overlay's options are separated by commas, its lower folders by colons. */
const escaped = (path: string): string => path.replace(/[\\,:]/g, '\\$&')
