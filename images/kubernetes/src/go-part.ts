import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contentKey, once, partsFolder } from './cache.ts'
import { compilerFor } from './compiler.ts'
import type { Go } from './go.ts'
import { goEnvironment } from './go.ts'
import type { Part, SourceEdit } from './parts.ts'
import type { Arch } from './platform.ts'
import { triplets } from './platform.ts'
import type { Progress } from './progress.ts'
import { run } from './run.ts'

const modules = join(import.meta.dirname, '..', 'modules')

/** Builds a part for an architecture, or finds it in the cache. Answers with the folder of its programs. */
export async function goPart(part: Part, arch: Arch, go: Go, progress: Progress): Promise<string> {
  const files = await Promise.all(
    ['go.mod', 'go.sum'].map((name) => readFile(join(modules, part.folder, name), 'utf8')),
  )
  const key = contentKey({ part, arch, go: go.version, flags: buildFlags(part), files })
  const folder = join(partsFolder(), `${part.name}-${part.version}-${arch}-${key}`)
  await progress.part(`${part.name} ${part.version} for ${arch}`, () =>
    once(folder, async (unfinished) => {
      const source = join(unfinished, 'source')
      const cwd = part.without === undefined ? join(modules, part.folder) : source
      if (part.without !== undefined) await copySource(part, part.without, source, go)
      const env = goEnvironment({ GOARCH: arch, ...(await linkerEnvironment(part, arch)) })
      const programs = join(unfinished, 'programs')
      await mkdir(programs)
      await run(go.program, ['build', ...buildFlags(part), '-o', `${programs}/`, ...part.packages], { cwd, env })
      await rm(source, { recursive: true, force: true })
      for (const [built, name] of Object.entries(part.renames))
        await rename(join(programs, built), join(programs, name))
      for (const name of await readdir(programs)) await chmod(join(programs, name), 0o755)
    }),
  )
  return join(folder, 'programs')
}

function buildFlags(part: Part): string[] {
  const stamps = Object.entries(part.stamps).map(([variable, value]) => `-X ${variable}=${value}`)
  const external = part.libraries.length > 0 ? ['-linkmode external', '-extldflags -static'] : []
  return [
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    `-tags=${part.tags.join(',')}`,
    `-ldflags=${['-s', '-w', ...external, ...stamps].join(' ')}`,
  ]
}

/** Pure Go needs no C compiler, whatever the architecture. The others link Debian's static libraries, without installing them. */
async function linkerEnvironment(part: Part, arch: Arch): Promise<Record<string, string>> {
  if (part.libraries.length === 0) return { CGO_ENABLED: '0' }
  const { program, flags, env, sysroot } = await compilerFor(arch, part.libraries)
  return {
    ...env,
    CGO_ENABLED: '1',
    CC: [program, ...flags].join(' '),
    PKG_CONFIG_LIBDIR: join(sysroot, 'usr/lib', triplets[arch], 'pkgconfig'),
    PKG_CONFIG_SYSROOT_DIR: sysroot,
  }
}

/** Copies the module's source, checked against the hash that we know, leaves out what does not build, and adds our go.mod and go.sum. */
async function copySource(part: Part, edit: SourceEdit, target: string, go: Go): Promise<void> {
  const version = `${part.module}@v${part.version}`
  const env = goEnvironment({ GOSUMDB: 'off' }) // the hash is compared here
  const module: { Dir: string; Sum: string } = JSON.parse(
    await run(go.program, ['mod', 'download', '-json', version], { env }),
  )
  if (module.Sum !== edit.sum)
    throw new Error(`The source of ${version} has the hash ${module.Sum}, not ${edit.sum} as expected.`)
  await cp(module.Dir, target, { recursive: true })
  await run('chmod', ['-R', 'u+w', target])
  for (const folder of edit.folders) await rm(join(target, folder), { recursive: true })
  for (const [file, texts] of Object.entries(edit.lines)) {
    const lines = (await readFile(join(target, file), 'utf8')).split('\n')
    await writeFile(join(target, file), lines.filter((line) => !texts.some((text) => line.includes(text))).join('\n'))
  }
  for (const name of ['go.mod', 'go.sum']) await cp(join(modules, part.folder, name), join(target, name))
}
