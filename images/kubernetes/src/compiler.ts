import { join } from 'node:path'
import { debianTree } from './debian.ts'
import type { Arch } from './platform.ts'
import { ownArch, triplets } from './platform.ts'
import { run } from './run.ts'

/** How C is compiled for an architecture. */
export interface Compiler {
  readonly program: string
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folder that stands for `/` where headers and libraries are looked for. */
  readonly sysroot: string
}

/**
 * The machine's own gcc for its own architecture; for the other one Debian's cross compiler, unpacked into the cache and
 * run from there. `libraries`: Debian packages with headers and static libraries, beside the C library.
 */
export async function compilerFor(arch: Arch, libraries: readonly string[]): Promise<Compiler> {
  const { root: sysroot } = await debianTree([...libraries, 'libc6-dev'], arch)
  if (arch === ownArch()) {
    await run('gcc', ['--version']).catch((cause) => {
      throw new Error('A C compiler is missing. Try: apt-get install gcc libc6-dev', { cause })
    })
    return { program: 'gcc', flags: [], env: {}, sysroot }
  }
  const { root } = await debianTree([`gcc-${triplets[arch].replace('_', '-')}`], ownArch())
  return {
    program: join(root, 'usr/bin', `${triplets[arch]}-gcc`),
    flags: [`--sysroot=${sysroot}`],
    env: { LD_LIBRARY_PATH: join(root, 'usr/lib', triplets[ownArch()]) }, // the compiler's own libraries, not libc
    sysroot,
  }
}
