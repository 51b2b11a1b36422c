import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { Position } from '../kubefile/kubefile.ts'
import { machinePlatform } from '../manifests/programs.ts'
import { sandboxErrors } from './errors.ts'
import { ownFolder } from './trees.ts'

/** What of this machine a command sees where the image has no shell: programs and what they need, no configuration and no secret. */
const lent = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libexec', 'share'].map((name) => `/usr/${name}`)
const lentConfiguration = ['/etc/alternatives', '/etc/ssl', '/etc/ca-certificates']

/** This machine's programs, for an image without any. */
export interface MachineTools {
  /** Folders that are seen at the same path. */
  readonly folders: readonly string[]
  readonly key: string
  /** Makes a layer to lie below the image: `/bin` and its like, by links, so that the image's own `bin/kubectl` stays what it is. */
  fill(folder: string): Promise<void>
}

export async function machineTools(): Promise<MachineTools> {
  const folders: string[] = []
  for (const path of [...lent, ...lentConfiguration]) if ((await stats(path))?.isDirectory()) folders.push(path)
  const programs = {
    bin: await readdir('/usr/bin').catch(() => []),
    sbin: await readdir('/usr/sbin').catch(() => []),
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([folders, programs]))
    .digest('hex')
  return {
    folders,
    key: `machine tools ${digest}`,
    fill: async (folder) => {
      const files = join(folder, 'files')
      await ownFolder(files)
      for (const [name, list] of Object.entries(programs)) {
        await ownFolder(join(files, name))
        for (const program of list) await symlink(`/usr/${name}/${program}`, join(files, name, program))
      }
      for (const name of ['lib', 'lib32', 'lib64']) {
        if (folders.includes(`/usr/${name}`)) await symlink(`usr/${name}`, join(files, name))
      }
    },
  }
}

const stats = (path: string) => lstat(path).catch(() => undefined)

/** Names of processors as qemu has them. */
const emulators: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  arm64: 'aarch64',
  arm: 'arm',
  '386': 'i386',
  riscv64: 'riscv64',
  ppc64le: 'ppc64le',
  s390x: 's390x',
  loong64: 'loongarch64',
}

/**
 * Refuses to run an image's programs where neither the processor nor a registered emulator understands them. The emulator must have been loaded
 * when it was registered (flag F): it is not in the image.
 * @throws RUN_PLATFORM_FOREIGN
 */
export async function refuseForeign(platform: Platform, at: Position): Promise<void> {
  if (platform.architecture === machinePlatform().architecture) return
  const emulator = `/proc/sys/fs/binfmt_misc/qemu-${emulators[platform.architecture] ?? platform.architecture}`
  const registered = await readFile(emulator, 'utf8').catch(() => '')
  if (/^enabled$/m.test(registered) && /^flags: .*F/m.test(registered)) return
  throw sandboxErrors.RUN_PLATFORM_FOREIGN({ place: `${at.file}:${at.line}`, platform: platformText(platform) })
}
