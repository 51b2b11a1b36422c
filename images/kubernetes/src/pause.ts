import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { contentKey, once, partsFolder } from './cache.ts'
import { compilerFor } from './compiler.ts'
import type { Go } from './go.ts'
import { goEnvironment } from './go.ts'
import type { Arch } from './platform.ts'
import type { Progress } from './progress.ts'
import type { Release } from './releases.ts'
import { run } from './run.ts'

/** Compiles pause, the one program of Kubernetes that is written in C, from the module's source. Answers with its folder. */
export async function pause(release: Release, arch: Arch, go: Go, progress: Progress): Promise<string> {
  const flags = ['-Os', '-static', '-s', `-DVERSION=${release.pause}`]
  const key = contentKey({ release, arch, flags })
  const folder = join(partsFolder(), `pause-${release.pause}-${arch}-${key}`)
  await progress.part(`pause ${release.pause} for ${arch}`, () =>
    once(folder, async (unfinished) => {
      const compiler = await compilerFor(arch, [])
      const source = join(await kubernetesSource(release, go), 'build', 'pause', 'linux', 'pause.c')
      const programs = join(unfinished, 'programs')
      await mkdir(programs)
      await run(compiler.program, [...compiler.flags, ...flags, '-o', join(programs, 'pause'), source], {
        env: { ...process.env, ...compiler.env },
      })
    }),
  )
  return join(folder, 'programs')
}

/** The module's folder; Go checks it against our go.sum. */
async function kubernetesSource({ minor }: Release, go: Go): Promise<string> {
  const cwd = join(import.meta.dirname, '..', 'modules', `kubernetes-${minor}`)
  const answer = await run(go.program, ['mod', 'download', '-json', 'k8s.io/kubernetes'], {
    cwd,
    env: goEnvironment({}),
  })
  const module: { Dir: string } = JSON.parse(answer)
  return module.Dir
}
